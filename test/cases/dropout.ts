/** Dropout: which elements go, by the same generator written down once more, and what becomes of the others. */
import { type DropoutKey, dropout } from 'heed/ops';
import { ROUNDED } from './check.js';
import { sizeOf } from './f64.js';
import { rowsBench } from './norm.js';
import type { Numbers, OpCase } from './types.js';

type Words = [number, number, number, number];

/** Philox4x32-7: the four words of a counter. */
export function philox(counter: Words, [k0, k1]: readonly [number, number]): Words {
  let [a, b, c, d] = counter;
  let [p, q] = [k0, k1];
  for (let round = 0; round < 7; round++) {
    const [x, y] = [BigInt(a) * 0xd2511f53n, BigInt(c) * 0xcd9e8d57n];
    const [high, low] = [(n: bigint) => Number(n >> 32n), (n: bigint) => Number(n & 0xffffffffn)];
    [a, b, c, d] = [(high(y) ^ b ^ p) >>> 0, low(y), (high(x) ^ d ^ q) >>> 0, low(x)];
    [p, q] = [(p + 0x9e3779b9) >>> 0, (q + 0xbb67ae85) >>> 0];
  }
  return [a, b, c, d];
}

/** The random word of the element at i in row `row` of a mask. */
export const wordAt = ([k0, k1, c2, c3]: DropoutKey, i: number, row = 0): number =>
  philox([4 * Math.floor(i / 16) + (i % 4), row, c2, c3], [k0, k1])[Math.floor(i / 4) % 4] as number;

/** What an element is multiplied by. */
export const keptAt = (p: number, key: DropoutKey, i: number, row = 0): number =>
  p === 1 || wordAt(key, i, row) < Math.floor(p * 2 ** 32) ? 0 : 1 / (1 - p);

const masks = new Map<string, Float64Array>();

/** What each element of a mask is multiplied by. Kept, since finite differences ask again and again. */
function maskOf(n: number, p: number, key: DropoutKey): Float64Array {
  const name = [n, p, key].join();
  const mask = masks.get(name) ?? Float64Array.from({ length: n }, (_, i) => keptAt(p, key, i));
  masks.set(name, mask);
  return mask;
}

export interface DropoutShape {
  dims: readonly number[];
  p: number;
  key: DropoutKey;
}

const keys: DropoutKey[] = [
  [1, 2, 3, 4],
  [0xffffffff, 0x80000000, 0, 0xfedcba98],
];

export const dropoutCase: OpCase<DropoutShape, { x: Numbers }> = {
  name: 'dropout',
  shapes: [
    ...[0, 1, 3, 4, 15, 16, 17, 1023, 1025, 2600].flatMap((n) => keys.map((key) => ({ dims: [n], p: 0.1, key }))),
    ...[0, 0.5, 0.999, 1].map((p) => ({ dims: [3, 37], p, key: keys[0] as DropoutKey })),
  ],
  bench: rowsBench.map((shape) => ({ ...shape, p: 0.1, key: keys[0] as DropoutKey })),
  inputs: ({ dims }, random) => ({ x: random.floats(dims) }),
  run: (_, { x }, { p, key }) => dropout(x, p, key),
  oracle({ x }, { p, key }) {
    const mask = maskOf(x.data.length, p, key);
    return Float64Array.from(x.data, (value, i) => value * (mask[i] as number));
  },
  gradients: ['x'],
  tolerance: ROUNDED,
  flops: ({ dims }) => sizeOf(dims),
};
