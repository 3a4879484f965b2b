/** Scaled dot-product attention under every mask, and its weights. Key blocks are 128 wide and query blocks 32 high: sizes go beyond both. */
import type { Engine } from 'heed';
import { type AttentionOptions, attentionWithWeights, type DropoutKey, scaledDotProductAttention, type Tensor } from 'heed/ops';
import { ROUNDED } from './check.js';
import { philox } from './dropout.js';
import { at, build, dot, softmax } from './f64.js';
import type { Numbers, OpCase, Tensors, Values } from './types.js';

export interface AttentionShape {
  B: number;
  H: number;
  T: number;
  S: number;
  D: number;
  /** Key and value heads, where there are fewer. */
  G?: number;
  /** Width of the values, where it is another. */
  Dv?: number;
  causal?: boolean;
  window?: number | readonly [number, number];
  lengths?: readonly number[];
  /** One for all examples, or one each. */
  queryOffset?: number | readonly number[];
  scale?: number;
  softCap?: number;
  alibi?: boolean;
  mask?: 'bool' | 'float';
  /** The mask's shape: [T, S] unless given. */
  maskDims?: readonly number[];
  /** The share of weights that dropout zeroes. */
  drop?: number;
}

export type AttentionInputs = {
  query: Numbers;
  key: Numbers;
  value: Numbers;
  mask?: Numbers;
  slopes?: Numbers;
};

const small = { B: 2, H: 3, T: 5, S: 7, D: 4 };
const square = { B: 1, H: 2, T: 40, S: 40, D: 9 };
const long = { B: 1, H: 1, T: 33, S: 300, D: 8 };

const shapes: AttentionShape[] = [
  { B: 1, H: 1, T: 1, S: 1, D: 1 },
  small,
  square,
  long,
  { ...small, D: 13, Dv: 1 },
  { ...small, D: 1, Dv: 17 },
  { B: 1, H: 2, T: 129, S: 257, D: 16, Dv: 24 },
  ...[0, 1, 32, 33].map((T) => ({ ...small, T })),
  ...[0, 1, 8, 127, 128, 129].map((S) => ({ ...small, S })),
  { ...small, H: 6, G: 2 },
  { ...small, H: 5, G: 1 },
  { ...small, scale: 0.5 },
  { ...square, causal: true },
  { ...long, causal: true },
  { ...long, causal: true, queryOffset: 267 },
  { ...square, window: 3 },
  { ...square, window: [0, 0] },
  { ...square, window: [2, 5] },
  { ...square, window: 5, causal: true },
  { ...long, window: [140, 3], queryOffset: 150 },
  // Rows beyond the window's reach of the last key see nothing.
  { ...small, T: 20, S: 4, window: [2, 1] },
  { ...small, lengths: [7, 3] },
  { ...small, lengths: [0, 1] },
  { ...long, B: 2, lengths: [128, 129], causal: true, queryOffset: 200 },
  { ...small, H: 6, G: 3, lengths: [2, 7], causal: true, window: 2 },
  { ...small, queryOffset: [2, 0], causal: true },
  { ...long, B: 2, lengths: [290, 130], causal: true, queryOffset: [257, 97] },
  { ...long, B: 3, H: 4, G: 2, lengths: [300, 1, 129], window: [150, 2], queryOffset: [267, 0, 96], alibi: true },
  { ...square, alibi: true },
  { ...long, alibi: true, causal: true, queryOffset: 267 },
  ...(['bool', 'float'] as const).flatMap((mask) => [
    { ...small, mask },
    ...[[2, 3, 5, 7], [2, 1, 5, 7], [1, 3, 5, 7], [3, 5, 7], [2, 3, 1, 7], [2, 1, 1, 7], [2, 3, 5, 1], [5, 1], [7], [1]].map(
      (maskDims) => ({ ...small, mask, maskDims }),
    ),
    { ...long, mask, causal: true, queryOffset: 100 },
    { ...small, H: 4, G: 2, mask, maskDims: [4, 5, 7], lengths: [6, 2] },
    { ...small, S: 1, mask },
    { ...small, S: 0, mask },
  ]),
  { ...square, mask: 'float', alibi: true, causal: true, window: 20 },
  ...[0.1, 0.5, 1].map((drop) => ({ ...small, drop })),
  { ...square, drop: 0.3, causal: true },
  { ...long, drop: 0.2, queryOffset: 3, window: [200, 90] as const },
  { ...small, H: 4, G: 2, drop: 0.4, mask: 'float' as const, maskDims: [4, 5, 7], lengths: [6, 2] },
  { ...small, softCap: 0.3 },
  { ...small, D: 13, Dv: 1, softCap: 50, scale: 2 },
  { ...small, H: 6, G: 2, softCap: 1, mask: 'float', lengths: [6, 2] },
  { ...small, softCap: 1, mask: 'bool', maskDims: [2, 1, 5, 7] },
  { ...long, softCap: 2, alibi: true, causal: true, queryOffset: 267 },
  { ...square, softCap: 2, window: 3 },
];

const KEY: DropoutKey = [11, 12, 13, 14];

const words = new Map<string, number>();

/** What dropout multiplies the weight of query t and key j by; `block` is the number of the four queries among those of all heads. */
function keptIn(p: number, block: number, t: number, j: number): number {
  const at = `${block} ${t % 4} ${j}`;
  const word = words.get(at) ?? (philox([j, block, KEY[2], KEY[3]], [KEY[0], KEY[1]])[t % 4] as number);
  words.set(at, word);
  return p === 1 || word < Math.floor(p * 2 ** 32) ? 0 : 1 / (1 - p);
}

function inputs({ B, H, G = H, T, S, D, Dv = D, mask, maskDims = [T, S], alibi }: AttentionShape, random: Parameters<OpCase['inputs']>[1]) {
  const floatMask = () => random.floats(maskDims, 3);
  return {
    query: random.floats([B, H, T, D], 2),
    key: random.floats([B, G, S, D], 2),
    value: random.floats([B, G, S, Dv]),
    ...(mask && { mask: mask === 'bool' ? random.booleans(maskDims) : floatMask() }),
    ...(alibi && { slopes: { data: Float32Array.from({ length: H }, (_, h) => 2 ** (-8 * ((h + 1) / H))), dims: [H] } }),
  };
}

export const optionsOf = (shape: AttentionShape, { mask, slopes }: { mask?: Tensor; slopes?: Tensor }): AttentionOptions => ({
  attnMask: mask,
  alibiSlopes: slopes,
  isCausal: shape.causal,
  window: shape.window,
  lengths: shape.lengths,
  queryOffset: shape.queryOffset,
  scale: shape.scale,
  softCap: shape.softCap,
  enableGqa: shape.G !== undefined,
  ...(shape.drop && { dropoutP: shape.drop, dropoutKey: KEY }),
});

/** The key that query t of example b stands on. */
const placeOf = ({ queryOffset = 0 }: AttentionShape, b: number, t: number): number =>
  t + (typeof queryOffset === 'number' ? queryOffset : (queryOffset[b] as number));

/** Keys that query t of example b may see, masks aside. */
function sees(shape: AttentionShape, b: number, t: number, j: number): boolean {
  const { S, causal, window, lengths } = shape;
  const i = placeOf(shape, b, t);
  const [left, right] = window === undefined ? [S + i, S + i] : typeof window === 'number' ? [window, S + i] : window;
  return j >= i - left && j <= i + right && j < (lengths?.[b] ?? S) && !(causal && j > i);
}

/** The weights [B, H, T, S] in float64. */
function weights64({ query, key, mask, slopes }: Values<AttentionInputs>, shape: AttentionShape): Float64Array {
  const { B, H, G = H, T, S, D, scale = 1 / Math.sqrt(D), softCap } = shape;
  const w = new Float64Array(B * H * T * S);
  build([B, H, T], ([b, h, t]) => {
    const [batch, head, row] = [b as number, h as number, t as number];
    const group = batch * G + Math.floor(head / (H / G));
    const q = ((batch * H + head) * T + row) * D;
    const scores = build([S], ([j]) => {
      const [s, index] = [j as number, [batch, head, row, j as number]];
      if (!sees(shape, batch, row, s) || (shape.mask === 'bool' && mask && !at(mask, index))) return Number.NEGATIVE_INFINITY;
      const slope = (slopes?.data[head] ?? 0) * Math.abs(placeOf(shape, batch, row) - s);
      const bias = shape.mask === 'float' && mask ? at(mask, index) : 0;
      const product = scale * dot(query.data, q, key.data, (group * S + s) * D, D);
      return (softCap ? softCap * Math.tanh(product / softCap) : product) + bias - slope;
    });
    w.set(softmax(scores), ((batch * H + head) * T + row) * S);
    return 0;
  });
  return w;
}

function output64(values: Values<AttentionInputs>, shape: AttentionShape): Float64Array {
  const { B, H, G = H, T, S, D, Dv = D } = shape;
  const w = weights64(values, shape);
  return build([B, H, T, Dv], ([b, h, t, c]) => {
    const group = (b as number) * G + Math.floor((h as number) / (H / G));
    const row = (((b as number) * H + (h as number)) * T + (t as number)) * S;
    const block = ((b as number) * H + (h as number)) * Math.ceil(T / 4) + Math.floor((t as number) / 4);
    const weight = shape.drop
      ? w.subarray(row, row + S).map((x, j) => x * keptIn(shape.drop as number, block, t as number, j))
      : w.subarray(row, row + S);
    return dot(weight, 0, values.value.data, group * S * Dv + (c as number), S, Dv);
  });
}

const bench: AttentionShape[] = [128, 512, 4096].flatMap((T) => [
  { B: 1, H: 1, T, S: T, D: 64 },
  { B: 1, H: 12, T, S: T, D: 32 },
]);

const shared = {
  shapes,
  bench,
  inputs,
  tolerance: ROUNDED,
  flops: ({ B, H, T, S, D, Dv = D }: AttentionShape) => 2 * B * H * T * S * (D + Dv),
};

export const attentionCase: OpCase<AttentionShape, AttentionInputs> = {
  ...shared,
  name: 'attention',
  gradients: ['query', 'key', 'value', 'mask'],
  run: (_: Engine, tensors: Tensors<AttentionInputs>, shape) =>
    scaledDotProductAttention(tensors.query, tensors.key, tensors.value, optionsOf(shape, tensors)),
  oracle: output64,
};

export const attentionWeightsCase: OpCase<AttentionShape, AttentionInputs> = {
  ...shared,
  name: 'attention weights',
  bench: bench.filter(({ T }) => T <= 512),
  run: (engine: Engine, tensors: Tensors<AttentionInputs>, shape) =>
    engine.scope(() => attentionWithWeights(tensors.query, tensors.key, tensors.value, optionsOf(shape, tensors)).weights),
  oracle: weights64,
};
