/** Rotary positions (Su et al., arXiv 2104.09864, §3.2): queries and keys turn by angles that grow with their positions. The rotation itself is ops/rotary.ts. */
import type { Engine } from '../engine/engine.js';
import { checkOptions } from '../errors.js';
import { expectBooleans, wrongArgument } from '../ops/check.js';
import { rotary, rotaryAngles, rotaryRows } from '../ops/rotary.js';
import { type Tensor, tensor } from '../tensor.js';
import type { Turn } from './attention.js';
import { Module } from './module.js';

/** By what each pair of channels turns from one position to the next, in radians, and what cosines and sines are multiplied by. */
export interface Frequencies {
  /** R / 2 of them. */
  readonly angles: readonly number[];
  /** Default 1. */
  readonly factor?: number;
}

/** The frequencies of R channels for a text of T tokens: rotary_scalings.ts has those that are published. */
export type RotaryScaling = (R: number, base: number, T: number) => Frequencies;

/** Options of RotaryPositions. */
export interface RotaryPositionsOptions {
  /** What wavelengths grow from. Default 10000. */
  base?: number;
  /** The share of channels that turn, the first ones. Default 1. */
  share?: number;
  /** Pairs (2i, 2i + 1), instead of (i, i + R/2). Default false. */
  interleaved?: boolean;
  /** Default θ_i = base^(−2i / R). */
  scaling?: RotaryScaling | undefined;
}

/** Turns heads of D channels, or the first R of them, by t · θ_i. A row of the table is computed once. */
export class RotaryPositions extends Module {
  /** What wavelengths grow from. Default 10000. */
  readonly base: number;
  /** R, the channels that turn. */
  readonly #turning: number;
  readonly #interleaved: boolean;
  readonly #scaling: RotaryScaling;
  #frequencies: Frequencies = { angles: [] };
  #rows = { cos: new Float32Array(0), sin: new Float32Array(0) };

  constructor(
    engine: Engine,
    /** D, the channels of a head. */
    readonly channels: number,
    /** The base alone, or all. */
    options: number | RotaryPositionsOptions = {},
  ) {
    super(engine);
    const given = typeof options === 'number' ? { base: options } : options;
    checkOptions(given, ['base', 'share', 'interleaved', 'scaling'], 'RotaryPositions');
    const { base = 10_000, share = 1, interleaved = false, scaling = (R, b) => ({ angles: rotaryAngles(R, b) }) } = given;
    expectBooleans('RotaryPositions', { interleaved });
    if (!(typeof base === 'number' && base > 0 && base < Number.POSITIVE_INFINITY))
      throw wrongArgument('RotaryPositions', 'base', base, 'It is a number above 0');
    if (!(typeof share === 'number' && share > 0 && share <= 1))
      throw wrongArgument('RotaryPositions', 'share', share, 'It is a number above 0, at most 1');
    const R = Math.trunc(channels * share);
    if (!(Number.isSafeInteger(channels) && R >= 2 && R % 2 === 0))
      throw wrongArgument('RotaryPositions', 'C', channels, 'Channels must form pairs');
    [this.base, this.#turning, this.#interleaved, this.#scaling] = [base, R, interleaved, scaling];
  }

  /** Turns [B, H, T, D] by positions `from` … `from + T − 1`, of each row its own where `from` lists B, again and again until it is disposed of. */
  forward(T: number, from: number | readonly number[] = 0): Turn {
    const [starts, half] = [typeof from === 'number' ? [from] : from, this.#turning / 2];
    this.#reach(Math.max(0, ...starts) + T);
    const gather = (rows: Float32Array) => {
      if (starts.length === 1) return rows.subarray((starts[0] as number) * half, ((starts[0] as number) + T) * half);
      const all = new Float32Array(starts.length * T * half);
      for (const [b, start] of starts.entries()) all.set(rows.subarray(start * half, (start + T) * half), b * T * half);
      return all;
    };
    const enter = (rows: Float32Array) => tensor(this.engine, gather(rows), [starts.length * T, half]);
    const table = { cos: enter(this.#rows.cos), sin: enter(this.#rows.sin) };
    const places = () =>
      tensor(
        this.engine,
        Int32Array.from({ length: starts.length * T }, (_, i) => i),
        [starts.length, T],
      );
    const positions = starts.length === 1 ? undefined : places();
    const options = { interleaved: this.#interleaved, positions };
    const dispose = () => {
      for (const x of [table.cos, table.sin, positions]) x?.dispose();
    };
    return Object.assign((x: Tensor) => rotary(x, table, options), { dispose });
  }

  /** Makes rows for a text of T tokens: all of them anew where such a text has other frequencies. */
  #reach(T: number): void {
    const { angles, factor = 1 } = this.#scaling(this.#turning, this.base, T);
    const { angles: old, factor: before = 1 } = this.#frequencies;
    const same = factor === before && angles.length === old.length && angles.every((angle, i) => angle === old[i]);
    const have = same ? this.#rows.cos.length / angles.length : 0;
    if (same && T <= have) return;
    const rows = Math.max(T, 2 * have);
    // What cannot be held is refused before JavaScript tries.
    this.engine.heap.reserve(rows * this.#turning * 4);
    this.#frequencies = { angles, factor };
    this.#rows = rotaryRows(angles, rows, factor);
  }
}
