/**
 * From pictures to a trunk's states (Dosovitskiy et al., arXiv 2010.11929, §3.1): squares of P × P pixels become rows, of which a product makes C channels, and to which
 * learned tokens are put.
 *
 *   x = dropout(norm([leading; registers; W patch + b; trailing] + position))
 *
 * Positions are a grid, which is resampled for pictures of another size. Registers (Darcet et al., arXiv 2309.16588) have none.
 */
import type { Engine } from '../engine/engine.js';
import { normal } from '../nn/init.js';
import { Dropout, Linear } from '../nn/layers.js';
import { Module } from '../nn/module.js';
import { makeNorm, type Norm, type NormSpec } from '../nn/norm.js';
import type { Parameter } from '../nn/parameter.js';
import { type Resampling, resampleGrid } from '../nn/resampling.js';
import { add } from '../ops/elementwise.js';
import { cat, contiguous, expand, narrow, reshape, transpose } from '../ops/shape.js';
import type { Tensor } from '../tensor.js';

/** Height and width. */
export type Size = readonly [height: number, width: number];

/** What a stem of pictures is like. */
export interface PatchSpec {
  /** Channels of states, and of pictures. */
  C: number;
  channels: number;
  /** P, the side of a patch in pixels. */
  patch: number;
  /** Pixels of the pictures that positions are for. */
  image: Size;
  /** Learned tokens before the patches that have positions, by their names: 'cls'. Default none. */
  leading?: readonly string[] | undefined;
  /** How many stand behind those and have no positions. Default 0. */
  registers?: number | undefined;
  /** How many stand behind the patches. Default 0. */
  trailing?: number | undefined;
  /** How positions are resampled for other sizes; false: there are none. */
  positions: Resampling | false;
  /** Whether patches have a bias. Default true. */
  bias?: boolean | undefined;
  norm?: NormSpec | undefined;
  /** In training, the share that is zeroed. Default 0. */
  dropout?: number | undefined;
}

/** How many patches a picture has. */
export const gridOf = ([height, width]: Size, patch: number): Size => [Math.floor(height / patch), Math.floor(width / patch)];

/** Squares of P × P pixels as rows, line by line: [B, c, H, W] → [B, ⌊H/P⌋ · ⌊W/P⌋, c · P · P]. What is left at the right and below is cut off. */
export function patchRows(x: Tensor, P: number): Tensor {
  const [B, c, H, W] = x.shape as [number, number, number, number];
  const [h, w] = gridOf([H, W], P);
  const whole = contiguous(narrow(narrow(x, 2, 0, h * P), 3, 0, w * P));
  // Strips of P lines with all channels, then the patches of each: copies have four axes at most.
  const strips = reshape(transpose(reshape(whole, [B, c, h, P * w * P]), 1, 2), [B * h, c * P, w, P]);
  return reshape(transpose(strips, 1, 2), [B, h * w, c * P * P]);
}

/** Embeddings of pictures: pixels [B, c, H, W] → [B, T, C]. */
export class PatchStem extends Module {
  readonly #patches: Linear;
  readonly #leading: readonly Parameter[];
  readonly #registers: Parameter | undefined;
  readonly #trailing: Parameter | undefined;
  readonly #position: Parameter | undefined;
  readonly #norm: Norm | undefined;
  readonly #dropout: Dropout;

  constructor(
    engine: Engine,
    /** What it is like. */
    readonly spec: PatchSpec,
  ) {
    super(engine);
    const { C, channels, patch, image, leading = [], registers = 0, trailing = 0, positions, bias = true } = spec;
    const learned = (name: string, count: number) => this.parameter(name, [count, C], { init: normal(0.02) });
    const [h, w] = gridOf(image, patch);
    this.#leading = leading.map((name) => learned(name, 1));
    if (registers) this.#registers = learned('registers', registers);
    if (trailing) this.#trailing = learned('trailing', trailing);
    if (positions !== false) this.#position = learned('position', leading.length + h * w + trailing);
    this.#patches = this.child('patches', new Linear(engine, channels * patch * patch, C, { bias }));
    if (spec.norm) this.#norm = this.child('norm', makeNorm(engine, C, spec.norm));
    this.#dropout = this.child('dropout', new Dropout(engine, spec.dropout ?? 0));
  }

  /** Tokens of a picture of that many pixels. */
  tokens(image: Size): number {
    const { patch, leading = [], registers = 0, trailing = 0 } = this.spec;
    const [h, w] = gridOf(image, patch);
    return leading.length + registers + h * w + trailing;
  }

  /** A table of positions, [tokens of a picture that they are for, C], for pictures of another size. There are no registers in it. */
  spread(table: Tensor, image: Size): Tensor {
    const { patch, positions, leading = [] } = this.spec;
    const [from, to] = [gridOf(this.spec.image, patch), gridOf(image, patch)];
    const [n, N] = [leading.length, from[0] * from[1]];
    if (!positions || (from[0] === to[0] && from[1] === to[1])) return table;
    const behind = narrow(table, 0, n + N, table.dim(0) - n - N);
    return cat([narrow(table, 0, 0, n), resampleGrid(narrow(table, 0, n, N), from, to, positions), behind], 0);
  }

  forward(pixels: Tensor): Tensor {
    const { patch, leading = [] } = this.spec;
    const [B, , H, W] = pixels.shape as [number, number, number, number];
    const rows = this.#patches.forward(patchRows(pixels, patch));
    const each = ({ tensor: x }: Parameter) => expand(reshape(x, [1, ...x.shape]), [B, ...x.shape]);
    const joined = (parts: readonly Tensor[]) => (parts.length > 1 ? cat(parts, 1) : (parts[0] as Tensor));
    const all = joined([...this.#leading.map(each), rows, ...(this.#trailing ? [each(this.#trailing)] : [])]);
    const placed = this.#position ? add(all, this.spread(this.#position.tensor, [H, W])) : all;
    const n = leading.length;
    const cut = (from: number, to: number) => narrow(placed, 1, from, to - from);
    const x = this.#registers ? joined([cut(0, n), each(this.#registers), cut(n, placed.dim(1))]) : placed;
    return this.#dropout.forward(this.#norm ? this.#norm.forward(x) : x);
  }
}
