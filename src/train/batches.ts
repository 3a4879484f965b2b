/** Where a run's batches come from, and how errors say which of them, and which example, is to blame. */
import { HeedError } from '../errors.js';
import { ExampleError } from './objective.js';

/** Where batches come from: a DataLoader, or what looks like one. */
export interface Batches<Batch> {
  /** How many an epoch has, where that is known. */
  readonly length: number | undefined;
  /** The batches of an epoch, from a number on: the same ones each time. */
  epoch(
    epoch: number,
    options?: {
      /** The first batch to give. Default 0. */
      from?: number;
    },
  ): AsyncIterable<Batch>;
  /** Which examples are in which batch, to name one in errors. */
  plan?(epoch: number): readonly ArrayLike<number>[];
}

/** The example that is to blame, by its number in the data, if there is one. */
export function exampleOf(error: unknown, loader: Batches<unknown>, epoch: number, batch: number): string {
  if (!(error instanceof ExampleError)) return '';
  try {
    const number = loader.plan?.(epoch)[batch]?.[error.row];
    if (number !== undefined) return `, example ${number}`;
  } catch {
    // A stream has no plan.
  }
  return `, row ${error.row}`;
}

/** The same error, which says where it happened. */
export function located(error: unknown, where: string): unknown {
  if (!(error instanceof HeedError)) return error;
  const { code, culprit, shape, cure } = error;
  const what = cure ? error.message.slice(0, -(cure.length + 2)) : error.message;
  return new HeedError(code, `${where}: ${what}`, {
    cause: error,
    ...(culprit !== undefined && { culprit }),
    ...(shape && { shape }),
    ...(cure && { cure }),
  });
}

export const empty = (culprit: string) =>
  new HeedError('ARGUMENT', `The data set gives no batch: ${culprit} is empty`, {
    culprit,
    cure: 'Give it examples; with dropLast, at least batchSize',
  });
