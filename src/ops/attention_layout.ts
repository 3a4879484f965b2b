/** How attention's operands lie in memory, forwards and backwards. */
import { Attention, PANEL } from '../engine/kernels.generated.js';
import type { Pointer } from '../engine/launch.js';
import { packedBytes, type Tensor } from '../tensor.js';
import { expectDtype, wrongShape } from './check.js';
import { packInto } from './matmul.js';
import { contiguous } from './shape.js';

export type Four = readonly [number, number, number, number];

/** What attention works on, four axes each. There are no gaps along the last of them but in k and v. */
export interface Attended {
  q: Tensor;
  k: Tensor;
  v: Tensor;
  y: Tensor;
  /** [B, H, T, 2], for what comes after the forward. */
  stats: Tensor | undefined;
  /** Repeated up to [B, H, T, S]. */
  bias: Tensor | undefined;
  lengths: Tensor | undefined;
  slopes: Tensor | undefined;
  /** Which weights dropout zeroes. */
  mask: Tensor | undefined;
  /** Which keys a query sees. */
  reach: { offset: number; left: number; right: number };
  /** What scores are multiplied by. */
  scale: number;
}

/** Keys and values as the kernels read them: of one call, or those that a cache holds (assembly/cache.ts). Addresses, and the sizes behind them. */
export interface KeyPanels {
  readonly keys: number;
  readonly values: number;
  /** [B] int32: whose keys each example reads; 0 where each has its own. */
  readonly slots: number;
  /** B examples, G heads, S keys in panels that have room for `room` of them, D and Dv channels. */
  readonly B: number;
  readonly G: number;
  readonly S: number;
  readonly room: number;
  readonly D: number;
  readonly Dv: number;
}

/** The struct that the kernels of a call share. */
export function shared(at: Omit<Attended, 'k' | 'v'>, { slots, G, S, room, Dv }: Omit<KeyPanels, 'keys' | 'values'>): Pointer<'Attention'> {
  const [, H, T, D] = at.q.shape as Four;
  const [qb, qh, qt] = at.q.strides as Four;
  const [yb, yh, yt] = at.y.strides as Four;
  const [bb, bh, bt] = (at.bias?.strides ?? [0, 0, 0]) as Four;
  const [bias, lengths, slopes, mask] = [at.bias?.ptr ?? 0, at.lengths?.ptr ?? 0, at.slopes?.ptr ?? 0, at.mask?.ptr ?? 0];
  const { offset, left, right } = at.reach;
  return at.q.engine.place(
    Attention({ bias, lengths, slopes, mask, slots, H, G, T, S, room, D, Dv, qb, qh, qt, yb, yh, yt, bb, bh, bt, offset, left, right }),
  );
}

/** [T, D], [N, T, D], [N, H, T, D] as [B, H, T, D]. */
export function asFour(x: Tensor, name: string): Tensor {
  expectDtype('scaledDotProductAttention', name, x, 'float32');
  if (x.rank < 2 || x.rank > 4) throw wrongShape('scaledDotProductAttention', name, x.shape, 'it must be [B, H, T, D]');
  if (x.rank === 4) return x;
  const front = x.rank === 2 ? [1, 1] : [x.dim(0), 1];
  const steps = x.rank === 2 ? [0, 0] : [x.strides[0] as number, 0];
  return x.view([...front, ...x.shape.slice(-2)], [...steps, ...x.strides.slice(-2)]);
}

/** C up to whole panels. */
export const wide = (C: number): number => Math.ceil(C / PANEL) * PANEL;

/** A tensor whose rows have no gaps. */
export const rowsOf = (x: Tensor): Tensor => (x.strides[3] === 1 || x.dim(3) === 1 ? x : contiguous(x));

/** The panels of each matrix of x [B, H, N, K], or of its transposes [K, N]; freed with the scope. */
export function panelsOf(x: Tensor, transposed = false): number {
  const [B, H, N, K] = x.shape as Four;
  const [b, h, n, k] = x.strides as Four;
  const [rows, columns] = transposed ? [K, N] : [N, K];
  const { ptr } = x.engine.allocate(B * H * packedBytes(rows, columns));
  packInto(ptr, x, [B, H, rows, columns], transposed ? [b, h, k, n] : [b, h, n, k]);
  return ptr;
}

/** Keys [B, G, S, D] and values [B, G, S, Dv] in panels; freed with the scope. */
export function keyPanelsOf(k: Tensor, v: Tensor): KeyPanels {
  const [B, G, S, Dv] = v.shape as Four;
  return { keys: panelsOf(k), values: panelsOf(v, true), slots: 0, B, G, S, room: S, D: k.dim(3), Dv };
}
