/** Rows in ggml's blocks, made by their definition and without heed: any bits are a weight, so that they are drawn. */
import type { Random } from '../../cases/random.js';

/** binary16 by its definition. */
export function float16(h: number): number {
  const [e, m] = [(h >>> 10) & 31, h & 1023];
  return (h >>> 15 ? -1 : 1) * (e ? (1 + m / 1024) * 2 ** (e - 15) : m * 2 ** -24);
}

/** Of a block: how many bytes, those before the integers, and what the integers are with its scale and its minimum. */
export const kinds = {
  Q8_0: { bytes: 34, head: 2, width: 32 },
  Q4_0: { bytes: 18, head: 2, width: 16 },
  Q4_1: { bytes: 20, head: 4, width: 16 },
} as const;
export type Kind = keyof typeof kinds;

/** What blocks are made of: w[n,k] = q[n,k] d[n, k/32] + m[n, k/32]. */
export interface Blocks {
  bytes: Uint8Array;
  q: Int32Array;
  d: Float64Array;
  m: Float64Array;
  /** What the weights are: float32, as ggml's own dequantization rounds them. */
  values: Float32Array;
}

const { fround } = Math;

/** Reads rows of K weights, K a multiple of 32. */
export function read(kind: Kind, bytes: Uint8Array, K: number): Blocks {
  const { bytes: each, head } = kinds[kind];
  const count = bytes.length / each;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const [q, d, m] = [new Int32Array(count * 32), new Float64Array(count), new Float64Array(count)];
  for (let b = 0; b < count; b++) {
    const at = b * each;
    d[b] = float16(view.getUint16(at, true));
    if (kind === 'Q4_1') m[b] = float16(view.getUint16(at + 2, true));
    if (kind === 'Q4_0') m[b] = -8 * (d[b] as number);
    for (let i = 0; i < 32; i++) {
      const byte = view.getUint8(at + head + (i % 16));
      q[b * 32 + i] = kind === 'Q8_0' ? view.getInt8(at + head + i) : i < 16 ? byte & 15 : byte >> 4;
    }
  }
  if (bytes.length % ((K / 32) * each)) throw new Error('not whole rows');
  const values = Float32Array.from(q, (n, i) => fround(fround(n * (d[i >> 5] as number)) + (m[i >> 5] as number)));
  return { bytes, q, d, m, values };
}

/** Random rows: scales of a model's size, of either sign, subnormal ones and zeros among them. */
export function drawn(kind: Kind, N: number, K: number, random: Random): Blocks {
  const { bytes: each, head } = kinds[kind];
  const bytes = new Uint8Array(((N * K) / 32) * each);
  const view = new DataView(bytes.buffer);
  const draw = (below: number) => Math.min(below - 1, Math.floor(((random.floats([1]).data[0] as number) + 1) * 0.5 * below));
  for (let at = 0; at < bytes.length; at++) bytes[at] = draw(256);
  for (let at = 0; at < bytes.length; at += each)
    for (let i = 0; i < head; i += 2) {
      const size = [0, draw(1024), ...Array.from({ length: 14 }, () => 0x1800 + draw(0x1400))][draw(16)] as number;
      view.setUint16(at + i, size | (draw(2) << 15), true);
    }
  return read(kind, bytes, K);
}
