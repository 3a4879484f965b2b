/**
 * Positions of tokens: vectors that are added to embeddings, or a bias that is added to attention scores. Rotary positions of queries and keys are in
 * rotary_positions.ts.
 *
 *   sinusoidal  (Vaswani et al. 2017, §3.5)  PE[t, 2i] = sin(t / 10000^(2i/C)),  PE[t, 2i+1] = cos(t / 10000^(2i/C))
 *   learned     a table of vectors
 *   relative    (Raffel et al., arXiv 1910.10683, §2.1)  one number for each head and bucket of distances
 */
import type { Engine } from '../engine/engine.js';
import { checkOptions, HeedError } from '../errors.js';
import { cos, exp, log, pow, sin } from '../math.js';
import { expectBooleans, expectDtype, wrongArgument } from '../ops/check.js';
import { embedding } from '../ops/embedding.js';
import { type TensorLike, withEntered } from '../ops/given.js';
import { isTracked } from '../ops/op.js';
import { contiguous, narrow, permute, reshape, transpose } from '../ops/shape.js';
import { isMatrix, Tensor, tensor } from '../tensor.js';
import { normal } from './init.js';
import { Module } from './module.js';
import type { Parameter } from './parameter.js';

/** Sines and cosines in turn, as in the paper, or all sines before all cosines; tensor2tensor's halves, and so fairseq's, have rates that end with 1 / 10000 itself. */
export type SinusoidLayout = 'interleaved' | 'halves' | 'tensor2tensor';

/** Rate of each pair of channels, in radians per position. */
function ratesOf(C: number, layout: SinusoidLayout): number[] {
  if (layout !== 'tensor2tensor') return Array.from({ length: Math.ceil(C / 2) }, (_, i) => pow(10_000, (-2 * i) / C));
  // Rates are computed in float32, step by step, as in the code that models were trained with.
  const half = Math.floor(C / 2);
  const step = Math.fround(Math.log(10_000) / Math.max(1, half - 1));
  return Array.from({ length: half }, (_, i) => exp(Math.fround(-i * step)));
}

function sinusoidRows(T: number, C: number, from: number, layout: SinusoidLayout): Float32Array {
  // The last of an odd number of channels is a sine, or in tensor2tensor's layout zero.
  const rates = ratesOf(C, layout);
  const [step, cosines] = layout === 'interleaved' ? [2, 1] : [1, rates.length];
  const rows = new Float32Array(T * C);
  for (let t = 0; t < T; t++) {
    for (const [i, rate] of rates.entries()) {
      const angle = Math.fround((from + t) * rate);
      rows[t * C + step * i] = sin(angle);
      if (step * i + cosines < C) rows[t * C + step * i + cosines] = cos(angle);
    }
  }
  return rows;
}

function checkChannels(where: string, C: number): void {
  if (!(Number.isSafeInteger(C) && C >= 1)) throw wrongArgument(where, 'C', C, 'It is a whole number from 1');
}

/** Rows `from` … `from + T − 1` of the table: [T, C]. */
export function sinusoids(engine: Engine, T: number, C: number, from = 0, layout: SinusoidLayout = 'interleaved'): Tensor {
  checkChannels('sinusoids', C);
  return tensor(engine, sinusoidRows(T, C, from, layout), [T, C]);
}

/** Module of sinusoidal positions, which computes each row once. */
export class SinusoidalPositions extends Module {
  #rows = new Float32Array(0);

  constructor(
    engine: Engine,
    /** C, the number of channels. */
    readonly channels: number,
    /** Layout of sines and cosines. Default 'interleaved'. */
    readonly layout: SinusoidLayout = 'interleaved',
    /** The row of position 0. Default 0. */
    readonly offset = 0,
  ) {
    super(engine);
    checkChannels('SinusoidalPositions', channels);
  }

  /** Positions `from` … `from + T − 1`: [T, C]. */
  forward(T: number, from = 0): Tensor {
    const C = this.channels;
    this.#reach(from + T);
    return tensor(this.engine, this.#rows.subarray(from * C, (from + T) * C), [T, C]);
  }

  /** Vectors [..., C] of the positions `places` (int32, any shape); zeros for −1, which is no position. */
  at(given: TensorLike): Tensor {
    return withEntered(this.engine, [given as Tensor], (places) => this.#at(places));
  }

  #at(places: Tensor): Tensor {
    const C = this.channels;
    expectDtype('SinusoidalPositions.at', 'places', places, 'int32');
    const at = places.engine.heap.ints(places.ptr, places.size);
    const wrong = at.find((place) => place < -1);
    if (wrong !== undefined) throw wrongArgument('SinusoidalPositions.at', 'places', wrong, 'Positions count from 0; −1 is none');
    this.#reach(at.reduce((most, place) => Math.max(most, place + 1), 0));
    const rows = new Float32Array(at.length * C);
    for (const [i, place] of at.entries()) if (place >= 0) rows.set(this.#rows.subarray(place * C, (place + 1) * C), i * C);
    return tensor(this.engine, rows, [...places.shape, C]);
  }

  /** Computes rows up to `count`. */
  #reach(count: number): void {
    const C = this.channels;
    const have = this.#rows.length / C;
    if (count <= have) return;
    const rows = new Float32Array(Math.max(count, 2 * have) * C);
    rows.set(this.#rows);
    rows.set(sinusoidRows(rows.length / C - have, C, have + this.offset, this.layout), this.#rows.length);
    this.#rows = rows;
  }
}

/** A table of vectors, [numPositions + offset, C]: position t is row t + offset. */
export class LearnedPositions extends Module {
  /** The table, [numPositions + offset, C]. */
  readonly weight: Parameter;

  constructor(
    engine: Engine,
    /** Maximum number of positions of a text. */
    readonly numPositions: number,
    channels: number,
    /** Rows before position 0. Default 0; BART's 2. */
    readonly offset = 0,
  ) {
    super(engine);
    this.weight = this.parameter('weight', [numPositions + offset, channels], { init: normal(), quantizable: true });
  }

  /** Vectors of positions `from` … `from + T − 1`: [T, C]. Throws ARGUMENT beyond `numPositions`. */
  forward(T: number, from = 0): Tensor {
    if (from + T <= this.numPositions) return rowsFrom(this.weight, this.offset + from, T);
    throw new HeedError('ARGUMENT', `There are ${this.numPositions} positions, and ${from + T} tokens`, { culprit: 'positions' });
  }

  /** Vectors [..., C] of the positions `places` (int32, any shape). */
  at(given: TensorLike): Tensor {
    return withEntered(this.engine, [given as Tensor], (places) => this.#at(places));
  }

  #at(places: Tensor): Tensor {
    const rows = places.engine.heap.ints(places.ptr, places.size).map((place) => place + this.offset);
    return this.engine.scope(() => embedding(tensor(this.engine, rows, places.shape), this.weight.operand));
  }
}

/** Neighbouring rows of a table: a view, or the float32 values of 8-bit rows. */
export function rowsFrom(table: Parameter, from: number, count: number): Tensor {
  const { operand, engine } = table;
  if (!isMatrix(operand)) return narrow(operand, 0, from, count);
  return embedding(
    tensor(
      engine,
      Int32Array.from({ length: count }, (_, i) => from + i),
    ),
    operand,
  );
}

/** Positions that are added to embeddings: `forward` returns vectors of T consecutive positions, `at` vectors of listed positions. */
export type AddedPositions = SinusoidalPositions | LearnedPositions;

/** Maker of added positions, with C channels and for a number of positions. */
export type PositionsMaker = (engine: Engine, C: number, positions: number) => AddedPositions;

/** Maker of sinusoids in one of the layouts, behind `offset` rows that belong to no token. */
export const sinusoidal =
  (layout: SinusoidLayout, offset = 0): PositionsMaker =>
  (engine, C) =>
    new SinusoidalPositions(engine, C, layout, offset);

/** Maker of a learned table of vectors, behind `offset` rows that belong to no token. */
export const learned =
  (offset = 0): PositionsMaker =>
  (engine, C, positions) =>
    new LearnedPositions(engine, positions, C, offset);

/** Positions of ids [B][T], −1 being the row before the first; undefined where all rows have positions 0 … T − 1. */
export type PositionCount = (ids: Int32Array, T: number) => Int32Array | undefined;

/** Counts tokens other than `padding`, which has no position (RoBERTa, arXiv 1907.11692, after fairseq). */
export const countingAllBut =
  (padding: number): PositionCount =>
  (ids, T) => {
    if (!ids.includes(padding)) return undefined;
    let seen = 0;
    return ids.map((id, i) => {
      if (i % T === 0) seen = 0;
      return id === padding ? -1 : seen++;
    });
  };

/** Maker of the bias of H heads that all blocks of a trunk add to their scores. */
export type BiasMaker = (engine: Engine, H: number, bidirectional: boolean) => RelativeBias;

/** Options of RelativeBias, with T5's defaults. */
export interface RelativeBiasOptions {
  /** Rows of the table. Default 32. */
  buckets?: number;
  /** Distance from which on all distances share the last bucket. Default 128. */
  maxDistance?: number;
  /** `true` where keys behind a query have buckets of their own; else such keys share the bucket of distance 0. Default true. */
  bidirectional?: boolean;
}

/** A number for each head and bucket of distances, [buckets, H]: near ones have a bucket each, far ones share them by their logarithm. */
export class RelativeBias extends Module {
  /** The table, [buckets, H]. */
  readonly weight: Parameter;
  readonly #options: Required<RelativeBiasOptions>;

  constructor(engine: Engine, numHeads: number, options: RelativeBiasOptions = {}) {
    super(engine);
    checkOptions(options, ['buckets', 'maxDistance', 'bidirectional'], 'RelativeBias');
    this.#options = { buckets: 32, maxDistance: 128, bidirectional: true, ...options };
    const { buckets, maxDistance, bidirectional } = this.#options;
    expectBooleans('RelativeBias', { bidirectional });
    const least = bidirectional ? 4 : 2;
    if (!(Number.isSafeInteger(buckets) && buckets >= least))
      throw wrongArgument('RelativeBias', 'buckets', buckets, `It is a whole number from ${least} on`);
    const exact = Math.floor(buckets / least);
    if (!(Number.isSafeInteger(maxDistance) && maxDistance > exact))
      throw wrongArgument('RelativeBias', 'maxDistance', maxDistance, `It is a whole number above ${exact}, or no bucket has its share`);
    this.weight = this.parameter('weight', [this.#options.buckets, numHeads], { init: normal() });
  }

  /** Bias [B, H, T, T] of the scores between tokens at the positions `places` [B, T]. */
  between(places: Tensor): Tensor {
    const [B, T] = places.shape as [number, number];
    return this.engine.scope(() => {
      const ids = Tensor.empty(this.engine, [B, T, T], 'int32');
      const [at, to] = [places, ids].map((x) => this.engine.heap.ints(x.ptr, x.size)) as [Int32Array, Int32Array];
      for (let i = 0; i < to.length; i++) {
        const [query, key] = [Math.floor(i / T), Math.floor(i / (T * T)) * T + (i % T)];
        to[i] = bucketOf((at[key] as number) - (at[query] as number), this.#options);
      }
      return contiguous(permute(embedding(ids, this.weight.tensor), [0, 3, 1, 2]));
    });
  }

  /** Bias [1, H, T, S] of the scores of T queries, the first at key `from`, and S keys. */
  forward(T: number, S: number, from = 0): Tensor {
    const buckets = this.#buckets(T, S, from);
    // Ids are written straight into the engine's memory, which throws where there is no room.
    const ids = Tensor.empty(this.engine, [T, S], 'int32');
    const places = this.engine.heap.ints(ids.ptr, ids.size);
    for (let t = 0; t < T; t++) places.set(buckets.subarray(T - 1 - t, T - 1 - t + S), t * S);
    const rows = embedding(ids, this.weight.tensor);
    return reshape(permute(rows, [2, 0, 1]), [1, rows.dim(2), T, S]);
  }

  /**
   * Bias for attention alone, which reads rows of any stride: where no tape needs a gradient, a view of one row of T + S − 1 distances for each head, so
   * that memory grows with T + S and not with T S. Where `from` is a list, each of B examples has its own bias: [B, H, T, S].
   */
  view(T: number, S: number, from: number | readonly number[] = 0): Tensor {
    const { tensor: table } = this.weight;
    if (typeof from === 'number' && isTracked(this.engine, table)) return this.forward(T, S, from);
    const starts = typeof from === 'number' ? [from] : from;
    const [B, L] = [starts.length, T + S - 1];
    const buckets = new Int32Array(B * L);
    for (const [b, start] of starts.entries()) buckets.set(this.#buckets(T, S, start), b * L);
    const rows = contiguous(transpose(embedding(tensor(this.engine, buckets, [B, L]), table), 1, 2));
    // The keys of query 0 begin at place T − 1, the keys of each next query one place earlier.
    return rows.view([B, rows.dim(1), T, S], [rows.dim(1) * L, L, -1, 1], T - 1);
  }

  /** Buckets of the T + S − 1 distances, farthest behind first. */
  #buckets(T: number, S: number, from: number): Int32Array {
    const first = 1 - from - T;
    return Int32Array.from({ length: T + S - 1 }, (_, i) => bucketOf(first + i, this.#options));
  }
}

/** The bucket of a key `distance` behind the query. */
export function bucketOf(distance: number, { buckets, maxDistance, bidirectional }: Required<RelativeBiasOptions>): number {
  const all = bidirectional ? Math.floor(buckets / 2) : buckets;
  const begin = bidirectional && distance > 0 ? all : 0;
  const far = bidirectional ? Math.abs(distance) : Math.max(0, -distance);
  const exact = Math.floor(all / 2);
  if (far < exact) return begin + far;
  // The bucket is computed in float32, step by step, as in the code that the tables were trained with.
  const share = Math.fround(log(Math.fround(far / exact)) / log(maxDistance / exact));
  return begin + Math.min(all - 1, exact + Math.floor(Math.fround(share * (all - exact))));
}
