/** Memory layout of attention's operands, forwards and backwards. */
import { Attention, PANEL } from '../engine/kernels.generated.js';
import type { Pointer } from '../engine/launch.js';
import { packedBytes, type Tensor } from '../tensor.js';
import { expectDtype, wrongShape } from './check.js';
import { packInto } from './matmul.js';
import { contiguous } from './shape.js';

export type Four = readonly [number, number, number, number];

/** Operands of attention, with four axes each. Elements along the last axis have no gaps, but in k and v. */
export interface Attended {
  q: Tensor;
  k: Tensor;
  v: Tensor;
  y: Tensor;
  /** Statistics [B, H, T, 2] of the softmax, for the weights and the backward. */
  stats: Tensor | undefined;
  /** Bias of the scores, repeated up to [B, H, T, S]. */
  bias: Tensor | undefined;
  lengths: Tensor | undefined;
  /** Position of query 0 among the keys of each example, where it is not 0. */
  offsets: Tensor | undefined;
  slopes: Tensor | undefined;
  /** Parameters of the dropout mask. */
  mask: Tensor | undefined;
  /** Number of keys that a query sees on both sides of its own. */
  reach: { left: number; right: number };
  /** Factor of the scores. */
  scale: number;
  /** Bound of the scaled scores, or 0 for none. */
  cap: number;
}

/** Keys and values as the kernels read them: their addresses and sizes. */
export interface KeyPanels {
  /** Addresses of the panels of one call's keys and values; 0 where keys lie in pages. */
  readonly keys: number;
  readonly values: number;
  /** Pages of a cache's keys and values. */
  readonly pages?: PageTable | undefined;
  /** Sizes: B examples, G heads, S keys (of the longest row), D and Dv channels. */
  readonly B: number;
  readonly G: number;
  readonly S: number;
  readonly D: number;
  readonly Dv: number;
}

/** Keys and values that a cache holds. */
export interface CachedKeys extends KeyPanels {
  readonly pages: PageTable;
}

/** Table of the pages of each row, and the number of keys in them (assembly/pages.ts). Addresses point to int32. */
export interface PageTable {
  /** Address of [B, most, 2]: a page's address and its capacity. */
  readonly pages: number;
  readonly most: number;
  /** Bytes of an element in a page. */
  readonly bytes: number;
  /** Addresses of [B] each: number of keys of each row, and its number of keys before the last were appended. */
  readonly lengths: number;
  readonly offsets: number;
  /** Lengths on the host, and the number of keys appended last, where each row knows their positions. */
  readonly counts: readonly number[];
  readonly appended: number | undefined;
}

/** Places the struct that all kernels of a call share. */
export function shared(
  at: Omit<Attended, 'k' | 'v'>,
  { pages: table, G, S, Dv }: Omit<KeyPanels, 'keys' | 'values'>,
): Pointer<'Attention'> {
  const [, H, T, D] = at.q.shape as Four;
  const [qb, qh, qt] = at.q.strides as Four;
  const [yb, yh, yt] = at.y.strides as Four;
  const [bb, bh, bt] = (at.bias?.strides ?? [0, 0, 0]) as Four;
  const [bias, slopes, mask] = [at.bias?.ptr ?? 0, at.slopes?.ptr ?? 0, at.mask?.ptr ?? 0];
  const [pages, most, bytes] = [table?.pages ?? 0, table?.most ?? 0, table?.bytes ?? 4];
  const [lengths, offsets] = [at.lengths?.ptr ?? table?.lengths ?? 0, at.offsets?.ptr ?? table?.offsets ?? 0];
  const { left, right } = at.reach;
  const own = {
    bias,
    lengths,
    offsets,
    slopes,
    mask,
    pages,
    most,
    bytes,
    H,
    G,
    T,
    S,
    D,
    Dv,
    qb,
    qh,
    qt,
    yb,
    yh,
    yt,
    bb,
    bh,
    bt,
    left,
    right,
  };
  return at.q.engine.place(Attention(own));
}

/** Views [T, D], [N, T, D] or [N, H, T, D] as [B, H, T, D]. */
export function asFour(x: Tensor, name: string): Tensor {
  expectDtype('scaledDotProductAttention', name, x, 'float32');
  if (x.rank < 2 || x.rank > 4) throw wrongShape('scaledDotProductAttention', name, x.shape, 'it must be [B, H, T, D]');
  if (x.rank === 4) return x;
  const front = x.rank === 2 ? [1, 1] : [x.dim(0), 1];
  const steps = x.rank === 2 ? [0, 0] : [x.strides[0] as number, 0];
  return x.view([...front, ...x.shape.slice(-2)], [...steps, ...x.strides.slice(-2)]);
}

/** C rounded up to whole panels. */
export const wide = (C: number): number => Math.ceil(C / PANEL) * PANEL;

/** Returns a tensor whose rows have no gaps: `x`, or a copy. */
export const rowsOf = (x: Tensor): Tensor => (x.strides[3] === 1 || x.dim(3) === 1 ? x : contiguous(x));

/** Packs each matrix of x [B, H, N, K], or its transpose [K, N], into panels. Returns their address; freed with the scope. */
export function panelsOf(x: Tensor, transposed = false): number {
  const [B, H, N, K] = x.shape as Four;
  const [b, h, n, k] = x.strides as Four;
  const [rows, columns] = transposed ? [K, N] : [N, K];
  const { ptr } = x.engine.allocate(B * H * packedBytes(rows, columns));
  packInto(ptr, x, [B, H, rows, columns], transposed ? [b, h, k, n] : [b, h, n, k]);
  return ptr;
}

/** Packs keys [B, G, S, D] and values [B, G, S, Dv] into panels; freed with the scope. */
export function keyPanelsOf(k: Tensor, v: Tensor): KeyPanels {
  const [B, G, S, Dv] = v.shape as Four;
  return { keys: panelsOf(k), values: panelsOf(v, true), B, G, S, D: k.dim(3), Dv };
}
