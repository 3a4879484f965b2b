/** Scaled dot-product attention (Vaswani et al. 2017, eq. 1), with every mask and, when wanted, its weights. */
import { record } from '../autograd/tape.js';
import type { Engine } from '../engine/engine.js';
import * as kernels from '../engine/kernels.generated.js';
import { KEYS, QUERIES, SCORES, TILE, WORDS } from '../engine/kernels.generated.js';
import { checkOptions, HeedError } from '../errors.js';
import { Tensor, tensor } from '../tensor.js';
import { attentionGrad } from './attention_grad.js';
import {
  type Attended,
  asFour,
  type CachedKeys,
  type Four,
  type KeyPanels,
  keyPanelsOf,
  rowsOf,
  shared,
  wide,
} from './attention_layout.js';
import { expectBooleans, expectDtype, expectShape, expectTensor, kindOf, wrongArgument, wrongShape } from './check.js';
import { type DropoutKey, dropoutMask } from './dropout.js';
import { entered, type Given, type TensorLike } from './given.js';
import { isTracked, op, operand } from './op.js';
import { contiguous, expandFor } from './shape.js';

/** Options of scaledDotProductAttention: PyTorch's in camelCase, and those for caches and windows. */
export interface AttentionOptions {
  /** Mask [..., T, S], repeated over missing axes and axes of 1. bool: true attends. float32: added to the scores. */
  attnMask?: Tensor | undefined;
  /** `true` where query t sees only the keys up to t (plus `queryOffset`). Default false. */
  isCausal?: boolean | undefined;
  /** Number of keys that each query sees to its left and right, itself aside; a single number is the left side. */
  window?: number | readonly [left: number, right: number] | undefined;
  /** Number of keys of each example; keys behind them are padding. */
  lengths?: readonly number[] | undefined;
  /** Position of query 0 among the keys, for causal, window and slopes, or its position in each example: the number of keys that came before. Default 0. */
  queryOffset?: number | readonly number[] | undefined;
  /** Slopes of the H heads: scores lose slope · distance (ALiBi, arXiv 2108.12409). */
  alibiSlopes?: Tensor | undefined;
  /** Factor of the products of queries and keys. Default 1 / sqrt(D). */
  scale?: number | undefined;
  /** Bound of the scaled products s before masks: softCap · tanh(s / softCap) (Gemma 2, arXiv 2408.00118). Default 0, none. */
  softCap?: number | undefined;
  /** `true` where there may be fewer key and value heads G than query heads H, each of which serves H / G neighbours. Default false. */
  enableGqa?: boolean | undefined;
  /** Probability with which a weight is zeroed; the others are multiplied by 1 / (1 − p). Default 0. */
  dropoutP?: number | undefined;
  /** Key of the dropout mask. Required where `dropoutP` is not 0. */
  dropoutKey?: DropoutKey | undefined;
}

const optionNames = [
  'attnMask',
  'isCausal',
  'window',
  'lengths',
  'queryOffset',
  'alibiSlopes',
  'scale',
  'softCap',
  'enableGqa',
  'dropoutP',
  'dropoutKey',
];

/** Number of keys that stands for "no limit", and can be added to without overflow. */
const FAR = 1 << 28;

/** Converts a boolean mask to a bias of scores: 0 where the mask equals `attend`, −inf elsewhere. */
export function maskToBias(given: TensorLike, attend = true): Tensor {
  const mask = entered<Tensor>(given);
  expectDtype('maskToBias', 'mask', mask, 'bool');
  expectBooleans('maskToBias', { attend });
  return mask.engine.scope(() => {
    const source = contiguous(mask);
    const y = Tensor.empty(mask.engine, mask.shape);
    const n = mask.size;
    mask.engine.launch(
      kernels.mask_to_bias_f32({ tiles: Math.ceil(n / TILE), work: n, y: y.ptr, mask: source.ptr, n, attend: Number(attend) }),
    );
    return y;
  });
}

function biasFor(mask: Tensor, [B, H, T, S]: Four): Tensor {
  expectTensor('scaledDotProductAttention', 'attnMask', mask);
  const bias = mask.dtype === 'bool' ? maskToBias(mask) : mask;
  expectDtype('scaledDotProductAttention', 'attnMask', bias, 'float32');
  return rowsOf(expandFor('scaledDotProductAttention', 'attnMask', bias, [B, H, T, S]));
}

function reach(window: AttentionOptions['window'], isCausal: boolean): [number, number] {
  const given = typeof window === 'number' ? [window, FAR] : window === undefined ? [FAR, FAR] : window;
  const counts = (keys: unknown): keys is number => (Number.isInteger(keys) && (keys as number) >= 0) || keys === Number.POSITIVE_INFINITY;
  if (!Array.isArray(given) || given.length !== 2 || !given.every(counts))
    throw wrongArgument('attention', 'window', Array.isArray(given) ? given.map(kindOf).join() : given, 'Give counts of keys');
  const [left, right] = given as [number, number];
  return [Math.min(left, FAR), isCausal ? 0 : Math.min(right, FAR)];
}

interface Result {
  output: Tensor;
  weights?: Tensor;
}

/** Copies an option's numbers into an int32 tensor for kernels. */
const whole = (engine: Engine, values: readonly number[]): Tensor => tensor(engine, Int32Array.from(values));

/** Keys and values, or the pages of a cache that holds them. */
type Source = readonly [key: Tensor, value: Tensor] | CachedKeys;

const attend = op((query: Tensor, source: Source, options: AttentionOptions, wantsWeights: boolean): Result => {
  checkOptions(options, optionNames, 'scaledDotProductAttention');
  const engine = query.engine;
  const q4 = asFour(query, 'query');
  const [fresh, cached] = 'pages' in source ? [undefined, source] : [{ k: asFour(source[0], 'key'), v: asFour(source[1], 'value') }];
  const q = rowsOf(q4);
  const [B, H, T, D] = q.shape as Four;
  const keys = fresh ? fresh.k.shape : [cached.B, cached.G, cached.S, cached.D];
  const [, G, S] = keys as Four;
  const Dv = fresh ? fresh.v.dim(3) : cached.Dv;
  expectShape('scaledDotProductAttention', 'key', { shape: keys }, [B, G, S, D]);
  if (fresh) expectShape('scaledDotProductAttention', 'value', fresh.v, [B, G, S, Dv]);
  if (G !== H && !(options.enableGqa && G > 0 && H % G === 0)) {
    const must = `it has ${G} heads, the query ${H}; grouped heads need enableGqa and a divisor`;
    throw wrongShape('scaledDotProductAttention', 'key', keys, must);
  }
  if (D === 0) throw wrongShape('scaledDotProductAttention', 'query', query.shape, 'its heads have no channels');
  const { lengths, alibiSlopes, isCausal = false, queryOffset = 0, scale = 1 / Math.sqrt(D), softCap = 0, enableGqa } = options;
  expectBooleans('attention', { isCausal, enableGqa });
  if (!isCount(queryOffset, FAR) && !areCounts(queryOffset, B, FAR))
    throw wrongArgument('attention', 'queryOffset', told(queryOffset), `Give a count of keys, or one for each of ${B} examples`);
  if (!Number.isFinite(scale)) throw wrongArgument('attention', 'scale', scale, 'It is a finite number');
  if (!(Number.isFinite(softCap) && softCap >= 0))
    throw wrongArgument('attention', 'softCap', softCap, 'It is a finite number, 0 for none');
  const [left, right] = reach(options.window, isCausal);
  if (isTracked(engine, alibiSlopes))
    throw new HeedError('UNSUPPORTED', 'attention: slopes have no gradient', { culprit: 'alibiSlopes', cure: 'Do not watch them' });
  // Rows lie in memory as [B, T, H, Dv], which the next projection reads without a copy.
  const y = Tensor.empty(engine, [B, T, H, Dv]).view([B, H, T, Dv], [T * H * Dv, Dv, H * Dv, 1]);
  const output = shaped(y, query);
  const weights = wantsWeights ? Tensor.empty(engine, [B, H, T, S]) : undefined;
  const result = weights ? { output, weights: shaped(weights, query) } : { output };
  if (B * H * T === 0) return result;
  if (lengths !== undefined && !areCounts(lengths, B, S))
    throw wrongArgument('attention', 'lengths', told(lengths), `Give ${B} whole numbers from 0 to ${S}`);
  operand('scaledDotProductAttention', 'alibiSlopes', alibiSlopes, [H]);
  const mask = S > 0 ? options.attnMask : undefined;
  const bias = mask === undefined ? undefined : biasFor(mask, [B, H, T, S]);
  const inputs = [query, ...(fresh ? (source as readonly Tensor[]) : []), mask?.dtype === 'bool' ? undefined : mask];
  const { dropoutP = 0, dropoutKey } = options;
  if (cached && isTracked(engine, ...inputs))
    throw new HeedError('UNSUPPORTED', 'attention: a cache has no gradient', { culprit: 'cache', cure: 'Train without one' });
  const kept = weights || isTracked(engine, ...inputs);
  const stands = isCausal || options.window !== undefined || alibiSlopes !== undefined;
  const each = typeof queryOffset === 'number' ? Array<number>(B).fill(queryOffset) : queryOffset;
  const offsets = cached ? endsOf(cached, T) : queryOffset === 0 ? undefined : each;
  const at: Omit<Attended, 'k' | 'v'> = {
    ...{ q, y, bias, reach: { left, right }, scale, cap: softCap },
    lengths: lengths && whole(engine, within(lengths, cached)),
    offsets: stands && offsets ? whole(engine, offsets) : undefined,
    slopes: alibiSlopes && contiguous(alibiSlopes),
    mask: dropoutP === 0 ? undefined : dropoutMask(engine, 'attention', dropoutP, dropoutKey),
    stats: kept ? Tensor.empty(engine, [B, H, T, 2]) : undefined,
  };
  run(at, fresh ? keyPanelsOf(fresh.k, fresh.v) : cached, weights);
  if (at.stats && fresh) {
    const shapes = inputs.map((x) => x?.shape);
    const saved = [q, fresh.k, fresh.v, y, at.bias, at.lengths, at.offsets, at.slopes, at.mask, at.stats];
    record(output, inputs, saved, attentionGrad({ ...at, ...fresh }, shapes));
  }
  if (weights) record(result.weights as Tensor, inputs, [], noGradient);
  return result;
});

const noGradient = () => {
  throw new HeedError('UNSUPPORTED', 'attentionWithWeights: there is no gradient through the weights', {
    culprit: 'weights',
    cure: 'Compute them: softmax(matmul(query, key, { transposeB: true }))',
  });
};

/** Lengths, limited to the number of keys that a cache holds. */
const within = (lengths: readonly number[], cached: CachedKeys | undefined): readonly number[] =>
  cached ? cached.pages.counts.map((count, b) => Math.min(count, lengths[b] as number)) : lengths;

/**
 * Positions of query 0 in each row of a cache. Undefined where the queries belong to the keys appended last, whose positions the cache knows; else the last query
 * stands on the last key.
 */
const endsOf = ({ pages: { appended, counts } }: CachedKeys, T: number): readonly number[] | undefined =>
  appended === T ? undefined : counts.map((count) => Math.max(0, count - T));

function run(at: Omit<Attended, 'k' | 'v'>, panels: KeyPanels, weights: Tensor | undefined): void {
  const { engine, ptr: q } = at.q;
  const { keys: k, values: v, S, D, Dv } = panels;
  const [B, H, T] = at.q.shape as Four;
  const { ptr: y } = at.y;
  const [stats, scale, cap, sizes] = [at.stats?.ptr ?? 0, at.scale, at.cap, shared(at, panels)];
  const [tiles, work] = [B * H * Math.ceil(T / QUERIES), 2 * B * H * T * S * (D + Dv + 16)];
  // Scratch memory for keys and values widened from int8 lies behind the rest.
  const widened = panels.pages?.bytes === 1 ? KEYS * Math.max(D, wide(Dv)) * 4 : 0;
  const scratch = SCORES + QUERIES * wide(Dv) * 4 + QUERIES * 8 + WORDS + widened;
  engine.launch(kernels.attention_f32({ tiles, work, scratch, y, stats, q, k, v, scale, cap, at: sizes }));
  if (!weights) return;
  engine.launch(
    kernels.attention_weights_f32({ tiles, work, scratch: SCORES + widened, w: weights.ptr, stats, q, k, scale, cap, at: sizes }),
  );
}

const isCount = (n: unknown, most: number): n is number => Number.isInteger(n) && (n as number) >= 0 && (n as number) <= most;

const listed = (given: unknown): unknown[] | undefined =>
  Array.isArray(given) || ArrayBuffer.isView(given) ? Array.from(given as unknown as ArrayLike<unknown>) : undefined;

/** Text of a wrong argument, for a message. */
const told = (given: unknown): unknown => listed(given)?.map(kindOf).join() ?? given;

function areCounts(given: unknown, B: number, most: number): boolean {
  const list = listed(given);
  return list?.length === B && list.every((n) => isCount(n, most));
}

const shaped = (output: Tensor, like: Tensor): Tensor =>
  like.rank === 4
    ? output
    : output.view(
        [...like.shape.slice(0, -1), output.dim(3)],
        [...(like.rank === 3 ? [output.strides[0] as number] : []), ...output.strides.slice(2)],
      );

/**
 * softmax(q kᵀ · scale + mask) v: q [B, H, T, D], k [B, G, S, D], v [B, G, S, Dv] → [B, H, T, Dv]. A row that sees no key gives zeros. Throws SHAPE, DTYPE and
 * ARGUMENT for operands and masks that do not fit.
 * @example
 * ```js
 * const q = tensor(engine, new Float32Array(1 * 8 * 10 * 64), [1, 8, 10, 64]);
 * const y = scaledDotProductAttention(q, q, q, { isCausal: true }); // [1, 8, 10, 64]
 * ```
 */
export function scaledDotProductAttention(
  query: TensorLike,
  key: TensorLike,
  value: TensorLike,
  options: Given<AttentionOptions> = {},
): Tensor {
  return attend(query, [key, value] as Source, options, false).output;
}

/**
 * `scaledDotProductAttention` that also returns its weights [B, H, T, S], before dropout. The weights are for inspection: gradients flow through the output alone.
 */
export function attentionWithWeights(
  query: TensorLike,
  key: TensorLike,
  value: TensorLike,
  options: Given<AttentionOptions> = {},
): {
  /** Output [B, H, T, Dv]. */
  output: Tensor;
  /** Weights [B, H, T, S]. */
  weights: Tensor;
} {
  return attend(query, [key, value] as Source, options, true) as Required<Result>;
}

/** Computes attention to the keys and values of a cache, which knows the position of each row's queries, and the weights where they are wanted. */
export const cachedAttention = (query: Tensor, cached: CachedKeys, options: AttentionOptions = {}, wantsWeights = false): Result =>
  attend(query, cached, options, wantsWeights);
