/** Source of a run's batches, and errors that name the batch and the example to blame. */
import { HeedError } from '../errors.js';
import { ExampleError } from './objective.js';

/** Source of batches: a DataLoader, or an object with its methods. */
export interface Batches<Batch> {
  /** Number of batches of an epoch, where it is known. */
  readonly length: number | undefined;
  /** Returns the batches of an epoch from batch `from` on, the same batches each time. */
  epoch(
    epoch: number,
    options?: {
      /** Number of the first batch. Default 0. */
      from?: number;
    },
  ): AsyncIterable<Batch>;
  /** Returns the numbers of the examples of each batch, to name an example in errors. */
  plan?(epoch: number): readonly ArrayLike<number>[];
}

/** Text that names the example to blame, by its number in the data or else its row in the batch; empty for errors of no example. */
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

/** Returns the error with its place, `where`, in the message. */
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
