/**
 * What training data is: a Dataset, whose examples are had by number, or a stream of examples, which is read once from
 * start to end in every epoch. The DataLoader takes either.
 */
import { HeedError } from '../../errors.js';

export interface Dataset<T> {
  readonly length: number;
  /** Example `i`, 0 <= i < length. */
  get(i: number): T;
}

/** Examples in an order of their own. Where the iterable is spent after one epoch, as generators are, give a function that opens it anew. */
export type Stream<T> = AsyncIterable<T> | (() => AsyncIterable<T>);

/** A list as a dataset. */
export const listDataset = <T>(examples: readonly T[]): Dataset<T> => ({ length: examples.length, get: (i) => examples[i] as T });

export function isDataset<T>(data: Dataset<T> | Stream<T>): data is Dataset<T> {
  return typeof data === 'object' && data !== null && 'get' in data && typeof data.get === 'function' && Number.isInteger(data.length);
}

/** Starts a stream for an epoch. Throws ARGUMENT for a generator after the first epoch: it would give nothing. */
export function open<T>(stream: Stream<T>, first: boolean): AsyncIterable<T> {
  if (typeof stream === 'function') return stream();
  if (typeof stream?.[Symbol.asyncIterator] !== 'function')
    throw new HeedError('ARGUMENT', 'the data is neither a Dataset nor an async iterable', {
      culprit: 'dataset',
      cure: 'It needs `length` and `get(i)`, or Symbol.asyncIterator',
    });
  const spent = !first && (stream[Symbol.asyncIterator]() as unknown) === stream;
  if (spent)
    throw new HeedError('ARGUMENT', 'the data is a generator, which gives its examples only once', {
      culprit: 'dataset',
      cure: 'Give a function that makes a new one',
    });
  return stream;
}
