/**
 * The cache of a short convolution: for each row its last K − 1 inputs, to which the next token's window reaches back. It stands beside the keys and
 * values of other layers, and its rows are reordered, joined and dropped like theirs. The cache keeps its memory until `dispose`, whatever scopes are open.
 */
import type { Engine } from '../engine/engine.js';
import { copy_rows } from '../engine/kernels.generated.js';
import { HeedError } from '../errors.js';
import { cat } from '../ops/shape.js';
import { Tensor, tensor } from '../tensor.js';

/** Rows' states [B, K − 1, C], and how many tokens each row has. */
interface Held {
  state: Tensor;
  lengths: readonly number[];
}

export class ConvolutionCache {
  #now: Held | undefined;
  /** State before the last tokens, should their step be undone. */
  #before: Held | undefined;

  constructor(
    /** Engine whose memory holds the cache. */
    readonly engine: Engine,
    /** Number of inputs that are kept: K − 1. */
    readonly reach: number,
  ) {}

  /** Rows of the batch; 0 before the first tokens come. */
  get rows(): number {
    return this.#now?.lengths.length ?? 0;
  }

  /** Tokens of each row. */
  get lengths(): readonly number[] {
    return this.#now?.lengths ?? [];
  }

  /** x [B, T, C] behind the cached inputs, [B, K − 1 + T, C]; before the first token the inputs are zeros. The last K − 1 of the result are then cached. */
  extend(x: Tensor): Tensor {
    const { engine, reach } = this;
    const [B, T, C] = x.shape as [number, number, number];
    const past = this.#now?.state ?? tensor(engine, new Float32Array(B * reach * C), [B, reach, C]);
    const all = cat([past, x], 1);
    const state = this.#make(B, C);
    this.#copy(B, { from: all, at: T * C, step: (reach + T) * C }, state, 0);
    this.#before?.state.dispose();
    this.#before = this.#now;
    const lengths = this.#now?.lengths ?? Array<number>(B).fill(0);
    this.#now = { state, lengths: lengths.map((length) => length + T) };
    return all;
  }

  /** Makes row i a copy of the former row rows[i]: the batch may grow and shrink. */
  reorder(rows: readonly number[]): void {
    const now = this.#now;
    if (now) this.#become(rows.map((row) => [now, row]));
  }

  /** Appends rows of another cache, by default all. The other cache is unchanged. */
  join(other: ConvolutionCache, rows: readonly number[] = other.lengths.map((_, row) => row)): void {
    const [own, others] = [this.#now, other.#now];
    const all = [
      ...(own?.lengths.map((_, row): [Held, number] => [own, row]) ?? []),
      ...(others ? rows.map((row): [Held, number] => [others, row]) : []),
    ];
    if (all.length) this.#become(all);
  }

  #become(rows: readonly (readonly [Held, number])[]): void {
    const [[first]] = rows as [readonly [Held, number]];
    const C = first.state.dim(2);
    const size = this.reach * C;
    const state = this.#make(rows.length, C);
    for (const [to, [{ state: from }, row]] of rows.entries()) this.#copy(1, { from, at: row * size, step: size }, state, to * size);
    const lengths = rows.map(([held, row]) => held.lengths[row] as number);
    this.dispose();
    this.#now = { state, lengths };
  }

  /** Forgets the tokens from lengths[row] on, if those are the last that came. Throws UNSUPPORTED for others, of which nothing is left. */
  truncate(lengths: readonly number[]): void {
    const isAt = (held: Held | undefined) => held?.lengths.every((length, row) => length === lengths[row]) ?? false;
    if (isAt(this.#now)) return;
    if (!isAt(this.#before))
      throw new HeedError('UNSUPPORTED', 'A convolution remembers its last tokens alone: a text cannot be gone on with from further back', {
        culprit: 'past_key_values',
        cure: 'Read the text again',
      });
    this.#now?.state.dispose();
    [this.#now, this.#before] = [this.#before, undefined];
  }

  /** Memory that no scope frees. */
  #make(B: number, C: number): Tensor {
    const shape = [B, this.reach, C];
    return new Tensor(this.engine, this.engine.heap.allocate(4 * B * this.reach * C), shape);
  }

  /** Copies the states of so many rows, from `at` on and `step` numbers apart, to `to` on. */
  #copy(rows: number, { from, at, step }: { from: Tensor; at: number; step: number }, y: Tensor, to: number): void {
    const bytes = 4 * this.reach * y.dim(2);
    this.engine.launch(
      copy_rows({ tiles: rows, work: (rows * bytes) / 4, y: y.ptr + 4 * to, x: from.ptr + 4 * at, bytes, to: bytes, from: 4 * step }),
    );
  }

  /** Frees the cache. */
  dispose(): void {
    for (const held of [this.#now, this.#before]) held?.state.dispose();
    this.#now = this.#before = undefined;
  }
}
