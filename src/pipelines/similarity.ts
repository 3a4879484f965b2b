/**
 * Similarities of vectors, and the nearest of many: for embeddings, under the names of transformers.js and sentence-transformers. Sums are in float64 and in
 * one order, so that they are the same everywhere. A vector of zeros has the similarity 0 to all; a vector with a NaN is found by no search.
 */
import { checkOptions, HeedError, kindOf } from '../errors.js';
import { TopK } from '../generation/top_k.js';

/** Numbers in a row: a list, a typed array. */
export type Vector = ArrayLike<number>;

/** Vectors of one length, as a list of them or one after the other: what feature extraction gives. */
export type Vectors =
  | readonly Vector[]
  | {
      /** Values of all vectors, concatenated. */
      readonly data: Vector;
      /** [vectors, C] */
      readonly dims: readonly number[];
    };

/** Options of semantic_search. */
export interface SearchOptions {
  /** Number of hits for each query. Default 10. */
  top_k?: number | undefined;
  /**
   * 'cosine' or 'cos_sim' (default); 'dot', the same for vectors of length 1; 'euclidean' and 'manhattan', distances below 0. A model says which one it is
   * made for: `extractor.sentence.similarity_fn_name`.
   */
  score_function?: SimilarityName | 'cos_sim' | undefined;
}

/** sentence-transformers' names of how vectors are compared. */
export const similarityNames = ['cosine', 'dot', 'euclidean', 'manhattan'] as const;
/** sentence-transformers' name of how vectors are compared; distances count as similarities below 0. */
export type SimilarityName = (typeof similarityNames)[number];

/** A vector that was found. */
export interface SearchHit {
  /** Index of the vector in the corpus. */
  corpus_id: number;
  /** Similarity to the query; larger is nearer. */
  score: number;
}

/** Rows of a typed array. */
interface Rows {
  data: Vector;
  count: number;
  width: number;
}

/** Σ aᵢ bᵢ. Throws SHAPE for vectors of different lengths. */
export function dot(a: Vector, b: Vector): number {
  if (vector('a', a).length !== vector('b', b).length)
    throw new HeedError('SHAPE', `Vectors of ${a.length} and of ${b.length} numbers cannot be compared`, {
      culprit: 'b',
      shape: [b.length],
    });
  return product(a, 0, b, 0, a.length);
}

/** √ Σ xᵢ²: how long a vector is. */
export const magnitude = (x: Vector): number => Math.sqrt(product(vector('x', x), 0, x, 0, x.length));

/** The cosine of the angle between two vectors, -1 to 1; 0 where one of them is all zeros. Throws SHAPE for vectors of different lengths. */
export function cos_sim(a: Vector, b: Vector): number {
  return cosine(dot(a, b), magnitude(a), magnitude(b));
}

/** -√ Σ (aᵢ - bᵢ)²: 0 for vectors that are the same. Throws SHAPE for vectors of different lengths. */
export const euclidean_sim = (a: Vector, b: Vector): number => alike('euclidean', a, b);

/** -Σ |aᵢ - bᵢ|: 0 for vectors that are the same. Throws SHAPE for vectors of different lengths. */
export const manhattan_sim = (a: Vector, b: Vector): number => alike('manhattan', a, b);

/** Similarities of vectors [N, C] and vectors [M, C], by the named measure: N lists of M numbers. Throws SHAPE, ARGUMENT. */
export function similarity(
  embeddings1: Vectors | Vector,
  embeddings2: Vectors | Vector,
  similarity_fn_name: SimilarityName = 'cosine',
): number[][] {
  checkName('similarity_fn_name', similarity_fn_name);
  const [a, b] = rowsOfBoth(['embeddings1', embeddings1], ['embeddings2', embeddings2]);
  const rowAt = ({ data, width }: Rows, n: number) => Array.from({ length: width }, (_, c) => data[n * width + c] as number);
  const others = Array.from({ length: b.count }, (_, m) => rowAt(b, m));
  return Array.from({ length: a.count }, (_, n) => {
    const row = rowAt(a, n);
    return others.map((other) => alike(similarity_fn_name, row, other));
  });
}

/** Similarity of two vectors by the named measure. */
function alike(name: SimilarityName, a: Vector, b: Vector): number {
  const sum = dot(a, b);
  if (name === 'dot') return sum;
  if (name === 'cosine') return cosine(sum, magnitude(a), magnitude(b));
  return -distances[name](a, 0, b, 0, a.length);
}

/** Throws ARGUMENT. */
function checkName(option: string, name: unknown, more: readonly string[] = []): void {
  const known: readonly unknown[] = [...similarityNames, ...more];
  if (known.includes(name)) return;
  throw new HeedError('ARGUMENT', `There is no score function ${kindOf(name)}`, { culprit: option, cure: `Use ${known.join(', ')}` });
}

/**
 * The most similar vectors of a corpus for each query, most similar first: a plain pass over all of them, which takes about 0.1 s for 100,000
 * vectors of 384 numbers. Queries [Q, C] or one [C], corpus [N, C]. Throws SHAPE where they do not fit, ARGUMENT for invalid options.
 * @example const [hits] = semantic_search(await embed('a question', options), await embed(texts, options), { top_k: 3 });
 */
export function semantic_search(
  query_embeddings: Vectors | Vector,
  corpus_embeddings: Vectors,
  options: SearchOptions = {},
): SearchHit[][] {
  checkOptions(options, ['top_k', 'score_function'], 'semantic_search');
  const { top_k = 10, score_function = 'cos_sim' } = options;
  if (!(Number.isSafeInteger(top_k) && top_k >= 1))
    throw new HeedError('ARGUMENT', `semantic_search: top_k is ${kindOf(top_k)}`, {
      culprit: 'top_k',
      cure: 'It is a whole number from 1',
    });
  checkName('score_function', score_function, ['cos_sim']);
  const name = score_function === 'cos_sim' ? 'cosine' : score_function;
  const [queries, corpus] = rowsOfBoth(['query_embeddings', query_embeddings], ['corpus_embeddings', corpus_embeddings]);
  const found: SearchHit[][] = [];
  const lengths = name === 'cosine' ? new Float64Array(corpus.count) : undefined;
  for (let from = 0; from < queries.count; from += TOGETHER) {
    const some = { ...queries, from, count: Math.min(TOGETHER, queries.count - from) };
    for (const scores of scoresOf(some, corpus, name, lengths)) {
      const top = new TopK(Math.min(top_k, Math.max(1, corpus.count)));
      top.add(scores);
      found.push(top.best().map(({ key, value }) => ({ corpus_id: key, score: value })));
    }
  }
  return found;
}

/** Queries that meet a vector while it is in the cache. */
const TOGETHER = 16;

/** Similarities of queries and all vectors of a corpus; `lengths` of the corpus, for cosines, are computed with the first queries. */
function scoresOf(queries: Rows & { from: number }, corpus: Rows, name: SimilarityName, lengths: Float64Array | undefined): Float32Array[] {
  const { width } = corpus;
  const distance = name === 'euclidean' || name === 'manhattan' ? distances[name] : undefined;
  const starts = Array.from({ length: queries.count }, (_, i) => (queries.from + i) * width);
  const own = starts.map((start) => Math.sqrt(product(queries.data, start, queries.data, start, width)));
  const scores = starts.map(() => new Float32Array(corpus.count));
  for (let n = 0; n < corpus.count; n++) {
    const at = n * width;
    if (lengths && queries.from === 0) lengths[n] = Math.sqrt(product(corpus.data, at, corpus.data, at, width));
    for (let i = 0; i < starts.length; i++) {
      const [scored, start] = [scores[i] as Float32Array, starts[i] as number];
      if (distance) {
        scored[n] = -distance(queries.data, start, corpus.data, at, width);
        continue;
      }
      const sum = product(queries.data, start, corpus.data, at, width);
      scored[n] = lengths ? cosine(sum, own[i] as number, lengths[n] as number) : sum;
    }
  }
  return scores;
}

/** Four sums side by side, so that additions need not wait for each other. */
function product(a: Vector, i: number, b: Vector, j: number, length: number): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  const whole = length - (length % 4);
  for (let k = 0; k < whole; k += 4) {
    s0 += (a[i + k] as number) * (b[j + k] as number);
    s1 += (a[i + k + 1] as number) * (b[j + k + 1] as number);
    s2 += (a[i + k + 2] as number) * (b[j + k + 2] as number);
    s3 += (a[i + k + 3] as number) * (b[j + k + 3] as number);
  }
  for (let k = whole; k < length; k++) s0 += (a[i + k] as number) * (b[j + k] as number);
  return s0 + s1 + (s2 + s3);
}

type Distance = (a: Vector, i: number, b: Vector, j: number, length: number) => number;

/** Distances between vectors, by name. */
const distances: Readonly<Record<'euclidean' | 'manhattan', Distance>> = {
  euclidean(a, i, b, j, length) {
    let sum = 0;
    for (let k = 0; k < length; k++) sum += ((a[i + k] as number) - (b[j + k] as number)) ** 2;
    return Math.sqrt(sum);
  },
  manhattan(a, i, b, j, length) {
    let sum = 0;
    for (let k = 0; k < length; k++) sum += Math.abs((a[i + k] as number) - (b[j + k] as number));
    return sum;
  },
};

/** Rounding may bring a cosine a little above 1. */
const cosine = (sum: number, a: number, b: number): number => (a === 0 || b === 0 ? 0 * sum : Math.min(1, Math.max(-1, sum / (a * b))));

const isVector = (value: Vectors | Vector): value is Vector =>
  ArrayBuffer.isView(value) || (Array.isArray(value) && value.length > 0 && typeof value[0] === 'number');

function vector(name: string, value: Vector): Vector {
  const numbers = ArrayBuffer.isView(value) ? [value[0] ?? 0] : value;
  if (Array.isArray(numbers) && numbers.every((x) => typeof x === 'number')) return value;
  throw new HeedError('ARGUMENT', `${name} is ${kindOf(value)}`, {
    culprit: name,
    cure: 'Give a list of numbers, or the data of a tensor',
  });
}

/** Two collections, of vectors of one length; either may be one vector. */
function rowsOfBoth(...given: readonly (readonly [name: string, vectors: Vectors | Vector])[]): [Rows, Rows] {
  const [a, b] = given.map(([name, vectors]) => rowsOf(name, isVector(vectors) ? [vectors] : vectors)) as [Rows, Rows];
  if (a.width === b.width || !a.count || !b.count) return [a, b];
  throw new HeedError('SHAPE', `Vectors of ${a.width} numbers are compared with vectors of ${b.width}`, {
    culprit: given[0]?.[0] ?? '',
    shape: [a.count, a.width],
    cure: 'Embed both with one model',
  });
}

/** Vectors one after the other, in a typed array: lists of any other kind would be several times slower to walk through. */
function rowsOf(name: string, vectors: Vectors): Rows {
  const misfit = (shape: readonly number[], cure: string) =>
    new HeedError('SHAPE', `${name} must be [N, C], vectors of one length`, { culprit: name, shape, cure });
  if (Array.isArray(vectors)) {
    const list = vectors as readonly Vector[];
    const width = vector(name, list[0] ?? []).length;
    const data = new Float64Array(list.length * width);
    for (const [n, row] of list.entries()) {
      if (vector(name, row).length !== width) throw misfit([list.length, width], `Vector ${n} has ${row.length} numbers`);
      data.set(row, n * width);
    }
    return { data, count: list.length, width };
  }
  const { data, dims } = Object(vectors) as { data?: Vector; dims?: readonly number[] };
  if (!data || !Array.isArray(dims))
    throw new HeedError('ARGUMENT', `${name} is ${kindOf(vectors)}`, { culprit: name, cure: 'Give embeddings' });
  const [count = 0, width = 0] = dims;
  if (dims.length !== 2 || data.length !== count * width)
    throw misfit(dims, dims.length === 3 ? 'Embed with a pooling' : 'Give one vector for each text');
  return { data: vector(name, data), count, width };
}
