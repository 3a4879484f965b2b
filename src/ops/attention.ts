/** Scaled dot-product attention (Vaswani et al. 2017, eq. 1), with every mask and, when asked for, its weights. */
import { checkOptions } from '../errors.js';
import { PANEL, Tensor, tensor } from '../tensor.js';
import { expectBooleans, expectDtype, expectShape, expectTensor, kindOf, wrongArgument, wrongShape } from './check.js';
import { packInto } from './matmul.js';
import { op, operand } from './op.js';
import { contiguous, expandFor } from './shape.js';

export interface AttentionOptions {
  /** [..., T, S], repeated over missing axes and axes of 1. bool: true attends. float32: added to the scores. */
  attnMask?: Tensor | undefined;
  /** Query t sees keys up to t (plus `queryOffset`). */
  isCausal?: boolean | undefined;
  /** How many keys each query sees to its left and right, itself aside; a number is the left side. */
  window?: number | readonly [left: number, right: number] | undefined;
  /** Keys of each example; those behind are padding. */
  lengths?: readonly number[] | undefined;
  /** The key that query 0 stands on, for causal, window and slopes: as many as a cache holds. Default 0. */
  queryOffset?: number | undefined;
  /** [H]: scores lose slope · distance (ALiBi, arXiv 2108.12409). */
  alibiSlopes?: Tensor | undefined;
  /** Default 1 / sqrt(D). */
  scale?: number | undefined;
  /** Fewer key and value heads than query heads, each of which serves H / G neighbours. */
  enableGqa?: boolean | undefined;
}

const optionNames = ['attnMask', 'isCausal', 'window', 'lengths', 'queryOffset', 'alibiSlopes', 'scale', 'enableGqa'];

/** Tile and scratch of assembly/attention.ts. */
const QUERIES = 32;
const SCORES = QUERIES * 128 * 4;
/** Stands for "no limit" without overflowing when it is added to. */
const FAR = 1 << 28;

type Four = [number, number, number, number];

/** [T, D], [N, T, D], [N, H, T, D] as [B, H, T, D]. */
function asFour(x: Tensor, name: string): Tensor {
  expectDtype('scaledDotProductAttention', name, x, 'float32');
  if (x.rank < 2 || x.rank > 4) throw wrongShape('scaledDotProductAttention', name, x.shape, 'it must be [B, H, T, D]');
  if (x.rank === 4) return x;
  const front = x.rank === 2 ? [1, 1] : [x.dim(0), 1];
  const steps = x.rank === 2 ? [0, 0] : [x.strides[0] as number, 0];
  return x.view([...front, ...x.shape.slice(-2)], [...steps, ...x.strides.slice(-2)]);
}

/** A boolean mask as what is added to scores: 0 where `attend` equals the mask, −inf elsewhere. */
export function maskToBias(mask: Tensor, attend = true): Tensor {
  expectDtype('maskToBias', 'mask', mask, 'bool');
  expectBooleans('maskToBias', { attend });
  return mask.engine.scope(() => {
    const source = contiguous(mask);
    const y = Tensor.empty(mask.engine, mask.shape);
    mask.engine.launch('mask_to_bias_f32', Math.ceil(mask.size / 1024), mask.size, [y.ptr, source.ptr, mask.size, Number(attend)]);
    return y;
  });
}

function biasFor(mask: Tensor, [B, H, T, S]: Four): { ptr: number; strides: readonly number[] } {
  expectTensor('scaledDotProductAttention', 'attnMask', mask);
  const bias = mask.dtype === 'bool' ? maskToBias(mask) : mask;
  expectDtype('scaledDotProductAttention', 'attnMask', bias, 'float32');
  let wide = expandFor('scaledDotProductAttention', 'attnMask', bias, [B, H, T, S]);
  if (S > 1 && wide.strides[3] !== 1) wide = contiguous(wide);
  return { ptr: wide.ptr, strides: wide.strides.slice(0, 3) };
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

const attend = op((query: Tensor, key: Tensor, value: Tensor, options: AttentionOptions, wantsWeights: boolean): Result => {
  checkOptions(options, optionNames, 'scaledDotProductAttention');
  const engine = query.engine;
  const [q4, k, v] = [asFour(query, 'query'), asFour(key, 'key'), asFour(value, 'value')];
  const q = q4.strides[3] === 1 || q4.dim(3) === 1 ? q4 : contiguous(q4);
  const [B, H, T, D] = q.shape as Four;
  const [, G, S] = k.shape as Four;
  const Dv = v.dim(3);
  expectShape('scaledDotProductAttention', 'key', k, [B, G, S, D]);
  expectShape('scaledDotProductAttention', 'value', v, [B, G, S, Dv]);
  if (G !== H && !(options.enableGqa && G > 0 && H % G === 0)) {
    throw wrongShape(
      'scaledDotProductAttention',
      'key',
      k.shape,
      `it has ${G} heads, the query ${H}; grouped heads need enableGqa and a divisor`,
    );
  }
  if (D === 0) throw wrongShape('scaledDotProductAttention', 'query', query.shape, 'its heads have no channels');
  const { lengths, alibiSlopes, isCausal = false, queryOffset = 0, scale = 1 / Math.sqrt(D), enableGqa } = options;
  expectBooleans('attention', { isCausal, enableGqa });
  if (!(Number.isInteger(queryOffset) && queryOffset >= 0 && queryOffset <= FAR))
    throw wrongArgument('attention', 'queryOffset', queryOffset, 'Give a count of keys');
  if (!Number.isFinite(scale)) throw wrongArgument('attention', 'scale', scale, 'It is a finite number');
  const [left, right] = reach(options.window, isCausal);
  // Rows in memory as [B, T, H, Dv]: the layout that the next projection reads without a copy.
  const y = Tensor.empty(engine, [B, T, H, Dv]);
  const output = y.view([B, H, T, Dv], [T * H * Dv, Dv, H * Dv, 1]);
  const weights = wantsWeights ? Tensor.empty(engine, [B, H, T, S]) : undefined;
  if (B * H * T === 0) return weights ? { output, weights } : { output };
  const bias = options.attnMask !== undefined && S > 0 ? biasFor(options.attnMask, [B, H, T, S]) : { ptr: 0, strides: [0, 0, 0] };
  if (lengths !== undefined) checkLengths(lengths, B, S);
  const counts = lengths !== undefined ? tensor(engine, Int32Array.from(lengths)).ptr : 0;
  const slopes = operand('scaledDotProductAttention', 'alibiSlopes', alibiSlopes, [H]);
  const kPacked = engine.allocate(B * G * Math.ceil(S / PANEL) * PANEL * D * 4).ptr;
  const vPacked = engine.allocate(B * G * Math.ceil(Dv / PANEL) * PANEL * S * 4).ptr;
  packInto(kPacked, k, [B, G, S, D], k.strides);
  const [vb, vg, vs, vd] = v.strides as Four;
  packInto(vPacked, v, [B, G, Dv, S], [vb, vg, vd, vs]);
  const stats = weights ? engine.allocate(B * H * T * 8).ptr : 0;
  const tiles = B * H * Math.ceil(T / QUERIES);
  const work = 2 * B * H * T * S * (D + Dv + 16);
  const ends = [...bias.strides, queryOffset, left, right, scale];
  const qSteps = q.strides.slice(0, 3);
  const out = SCORES + QUERIES * Math.ceil(Dv / PANEL) * PANEL * 4 + QUERIES * 8;
  engine.launch(
    'attention_f32',
    tiles,
    work,
    [y.ptr, stats, q.ptr, kPacked, vPacked, bias.ptr, counts, slopes, H, G, T, S, D, Dv, ...qSteps, T * H * Dv, Dv, H * Dv, ...ends],
    out,
  );
  if (weights)
    engine.launch(
      'attention_weights_f32',
      tiles,
      work,
      [weights.ptr, stats, q.ptr, kPacked, bias.ptr, counts, slopes, H, G, T, S, D, ...qSteps, ...ends],
      SCORES,
    );
  return weights ? { output, weights } : { output };
});

function checkLengths(lengths: readonly number[], B: number, S: number): void {
  const listed = Array.isArray(lengths) || ArrayBuffer.isView(lengths) ? Array.from(lengths) : undefined;
  if (listed?.length === B && listed.every((n) => Number.isInteger(n) && n >= 0 && n <= S)) return;
  throw wrongArgument('attention', 'lengths', listed?.map(kindOf).join() ?? lengths, `Give ${B} whole numbers from 0 to ${S}`);
}

const shaped = (output: Tensor, like: Tensor): Tensor =>
  like.rank === 4
    ? output
    : output.view(
        [...like.shape.slice(0, -1), output.dim(3)],
        [...(like.rank === 3 ? [output.strides[0] as number] : []), ...output.strides.slice(2)],
      );

/** softmax(q kᵀ · scale + mask) v: q [B, H, T, D], k [B, G, S, D], v [B, G, S, Dv] → [B, H, T, Dv]. A row that sees nothing gives zeros. */
export function scaledDotProductAttention(query: Tensor, key: Tensor, value: Tensor, options: AttentionOptions = {}): Tensor {
  return shaped(attend(query, key, value, options, false).output, query);
}

/** The same, with the weights [B, H, T, S] that were given to the values. */
export function attentionWithWeights(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  options: AttentionOptions = {},
): { output: Tensor; weights: Tensor } {
  const { output, weights } = attend(query, key, value, options, true) as Required<Result>;
  return { output: shaped(output, query), weights: shaped(weights, query) };
}
