/**
 * Training data: a Dataset, whose examples are read by number, or a stream of examples, which is read once from
 * start to end in every epoch. The DataLoader takes either.
 */
import { HeedError } from '../../errors.js';

/** Examples that are read by number. */
export interface Dataset<T> {
  /** Number of examples. */
  readonly length: number;
  /** Example `i`, 0 <= i < length. */
  get(i: number): T;
}

/** Examples in their own order. Where the iterable is exhausted after one epoch, as generators are, give a function that opens it again. */
export type Stream<T> = AsyncIterable<T> | (() => AsyncIterable<T>);

/** Data of a DataLoader: a dataset, a list of examples, or a stream. */
export type Data<T> = readonly T[] | Dataset<T> | Stream<T>;

/** Data as a dataset or a stream. Throws ARGUMENT for a value that is neither. */
export function sourceOf<T>(data: Data<T>): { dataset: Dataset<T> } | { stream: Stream<T> } {
  if (Array.isArray(data)) return { dataset: { length: data.length, get: (i) => data[i] as T } };
  const { length, get, [Symbol.asyncIterator]: iterator } = (data ?? {}) as Dataset<T> & AsyncIterable<T>;
  if (typeof get === 'function' && Number.isInteger(length)) return { dataset: data as Dataset<T> };
  if (typeof data === 'function' || typeof iterator === 'function') return { stream: data as Stream<T> };
  throw new HeedError('ARGUMENT', 'the data is neither a dataset nor a stream', {
    culprit: 'data',
    cure: 'Give a list, an object with `length` and `get(i)`, or an async iterable',
  });
}

/** Starts a stream for an epoch. Throws ARGUMENT for a generator after the first epoch: it would give nothing. */
export function open<T>(stream: Stream<T>, first: boolean): AsyncIterable<T> {
  if (typeof stream === 'function') return stream();
  const spent = !first && (stream[Symbol.asyncIterator]() as unknown) === stream;
  if (spent)
    throw new HeedError('ARGUMENT', 'the data is a generator, which gives its examples only once', {
      culprit: 'data',
      cure: 'Give a function that makes a new one',
    });
  return stream;
}
