/** Rotary positions (Su et al., arXiv 2104.09864, §3.2): queries and keys are rotated by angles that grow with their positions. The rotation itself is ops/rotary.ts. */
import type { Engine } from '../engine/engine.js';
import { checkOptions } from '../errors.js';
import { expectBooleans, wrongArgument } from '../ops/check.js';
import { rotary, rotaryAngles, rotaryRows } from '../ops/rotary.js';
import { overwrite, type Tensor, tensor } from '../tensor.js';
import type { Turn } from './attention.js';
import { Module } from './module.js';

/** Angle by which each pair of channels turns from one position to the next, in radians, and factor of cosines and sines. */
export interface Frequencies {
  /** R / 2 angles in radians, one for each pair. */
  readonly angles: readonly number[];
  /** Factor of cosines and sines. Default 1. */
  readonly factor?: number;
}

/** Function for the frequencies of R channels in a text of T tokens: rotary_scalings.ts has the published ones. */
export type RotaryScaling = (R: number, base: number, T: number) => Frequencies;

/** Options of RotaryPositions. */
export interface RotaryPositionsOptions {
  /** Base of the wavelengths, which grow from 2π to 2π · base. Default 10000. */
  base?: number;
  /** Share of the channels that turn, counted from the first. Default 1. */
  share?: number;
  /** `true` for pairs of channels (2i, 2i + 1) instead of (i, i + R/2). Default false. */
  interleaved?: boolean;
  /** Scaling of the frequencies. Default none: θ_i = base^(−2i / R). */
  scaling?: RotaryScaling | undefined;
  /** Factor of the query at position t, beside the turn. Needs a share of 1. Default: none. */
  queryScale?: ((t: number) => number) | undefined;
}

/** Cosines and sines, R / 2 for each place. */
interface Rows {
  cos: Float32Array;
  sin: Float32Array;
}

/** `count` rows of cosines and sines, and their frequencies. */
interface Table extends Required<Frequencies> {
  count: number;
  cos: Float32Array<ArrayBuffer>;
  sin: Float32Array<ArrayBuffer>;
}

/** Turns heads of D channels, or the first R of them, by t · θ_i. A row of the table is computed once. */
export class RotaryPositions extends Module {
  /** Base of the wavelengths, which grow from 2π to 2π · base. Default 10000. */
  readonly base: number;
  /** R, the channels that turn. */
  readonly #turning: number;
  readonly #interleaved: boolean;
  readonly #scaling: RotaryScaling;
  readonly #queryScale: RotaryPositionsOptions['queryScale'];
  /** Tables, most recently used first. */
  #tables: readonly Table[] = [];

  constructor(
    engine: Engine,
    /** D, the channels of a head. */
    readonly channels: number,
    /** Options, or the base alone. */
    options: number | RotaryPositionsOptions = {},
  ) {
    super(engine);
    const given = typeof options === 'number' ? { base: options } : options;
    checkOptions(given, ['base', 'share', 'interleaved', 'scaling', 'queryScale'], 'RotaryPositions');
    const { base = 10_000, share = 1, interleaved = false, queryScale } = given;
    expectBooleans('RotaryPositions', { interleaved });
    if (!(typeof base === 'number' && base > 0 && base < Number.POSITIVE_INFINITY))
      throw wrongArgument('RotaryPositions', 'base', base, 'It is a number above 0');
    if (!(typeof share === 'number' && share > 0 && share <= 1))
      throw wrongArgument('RotaryPositions', 'share', share, 'It is a number above 0, at most 1');
    const R = Math.trunc(channels * share);
    if (!(Number.isSafeInteger(channels) && R >= 2 && R % 2 === 0))
      throw wrongArgument('RotaryPositions', 'C', channels, 'Channels must form pairs');
    if (queryScale !== undefined && (typeof queryScale !== 'function' || R !== channels))
      throw wrongArgument('RotaryPositions', 'queryScale', queryScale, 'It is a function of a position, where all channels turn');
    this.#queryScale = queryScale;
    [this.base, this.#turning, this.#interleaved] = [base, R, interleaved];
    const own = { angles: rotaryAngles(R, base) };
    this.#scaling = given.scaling ?? (() => own);
  }

  /**
   * Turns [B, H, T, D] by positions `from` … `from + T − 1`, of each row its own where `from` lists B, again and again until it is disposed of. `whole`: tokens that the
   * text will have, where it is read in pieces; frequencies that depend on its length are those of all of it.
   */
  forward(T: number, from: number | readonly number[] = 0, whole = 0): Turn {
    const first = this.#values(T, from, whole);
    const half = this.#turning / 2;
    const rows = first.cos.length / half;
    const enter = ({ cos, sin }: Rows) => ({
      cos: tensor(this.engine, cos, [rows, half]),
      sin: tensor(this.engine, sin, [rows, half]),
    });
    const table = enter(first);
    const queries = this.#queryScale && enter(this.#scaled(first, T, from));
    const places = () =>
      tensor(
        this.engine,
        Int32Array.from({ length: rows }, (_, i) => i),
        [rows / T, T],
      );
    const positions = rows === T ? undefined : places();
    const options = { interleaved: this.#interleaved, positions };
    const move: Turn['move'] = (to, all = 0) => {
      const next = this.#values(T, to, all);
      const put = (at: typeof table, { cos, sin }: Rows) => {
        overwrite(at.cos, cos);
        overwrite(at.sin, sin);
      };
      put(table, next);
      if (queries) put(queries, this.#scaled(next, T, to));
    };
    const dispose = () => {
      for (const x of [table.cos, table.sin, queries?.cos, queries?.sin, positions]) x?.dispose();
    };
    const turn = (by: typeof table) => (x: Tensor) => rotary(x, by, options);
    return Object.assign(turn(table), { queries: queries && turn(queries), move, dispose });
  }

  /** `true` where texts of a and of b tokens have the same frequencies. */
  turnsAlike(a: number, b: number): boolean {
    const [one, other] = [a, b].map((T) => this.#scaling(this.#turning, this.base, T)) as [Frequencies, Frequencies];
    return one.factor === other.factor && (one.angles === other.angles || one.angles.every((angle, i) => angle === other.angles[i]));
  }

  /** Rows for T tokens of each text, one text after the other. */
  #values(T: number, from: number | readonly number[], whole: number): Rows {
    const half = this.#turning / 2;
    const parts = (typeof from === 'number' ? [from] : from).map((start) => {
      const { cos, sin } = this.#rows(Math.max(start + T, whole));
      const part = (rows: Float32Array) => rows.subarray(start * half, (start + T) * half);
      return { cos: part(cos), sin: part(sin) };
    });
    return { cos: joined(parts.map(({ cos }) => cos)), sin: joined(parts.map(({ sin }) => sin)) };
  }

  /** The same, multiplied by what queries are: a turn that makes them longer. */
  #scaled({ cos, sin }: Rows, T: number, from: number | readonly number[]): Rows {
    const half = this.#turning / 2;
    const starts = typeof from === 'number' ? [from] : from;
    const factors = starts.flatMap((start) => Array.from({ length: T }, (_, t) => this.#queryScale?.(start + t) ?? 1));
    const times = (values: Float32Array) => values.map((value, i) => value * (factors[Math.floor(i / half)] as number));
    return { cos: times(cos), sin: times(sin) };
  }

  /** The rows of a text of T tokens, or more of them. Texts of different lengths may have different frequencies: two tables are kept. */
  #rows(T: number): Table {
    const { angles, factor = 1 } = this.#scaling(this.#turning, this.base, T);
    const alike = (other: readonly number[]) => angles === other || angles.every((angle, i) => angle === other[i]);
    const known = this.#tables.find((one) => one.factor === factor && alike(one.angles));
    const others = this.#tables.filter((one) => one !== known).slice(0, 1);
    const have = known?.count ?? 0;
    if (known && T <= have) {
      this.#tables = [known, ...others];
      return known;
    }
    const count = Math.max(T, 2 * have);
    // A table too large for the heap is refused before JavaScript allocates it.
    this.engine.heap.reserve(count * this.#turning * 4);
    const made = { angles, factor, count, ...rotaryRows(angles, count, factor) };
    this.#tables = [made, ...others];
    return made;
  }
}

/** Concatenates the lists. */
function joined(lists: readonly Float32Array[]): Float32Array {
  const [first] = lists;
  if (first && lists.length === 1) return first;
  const all = new Float32Array(lists.reduce((n, { length }) => n + length, 0));
  let at = 0;
  for (const list of lists) {
    all.set(list, at);
    at += list.length;
  }
  return all;
}
