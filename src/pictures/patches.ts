/**
 * What a model attends to in a picture: of each head the weights that go to patches, line by line, from the class token, or, where there is none, from all tokens on average; or of
 * all layers together, as rollout follows them (Abnar & Zuidema, arXiv 2005.00928, §3).
 */
import { checkOptions, HeedError, kindOf } from '../errors.js';
import { HostTensor } from '../host/tensor.js';

/** Attention weights of one picture, and where its patches stand among its tokens. */
export interface PatchAttention {
  /** One tensor for each layer, [1, H, T, T] or [H, T, T], as models return them. */
  attentions: readonly HostTensor[];
  /** Lines and columns of patches. */
  grid: readonly [lines: number, columns: number];
  /** Tokens before the patches, of which the first is the class token: 0 for models without one. */
  first: number;
  /** The layer, from 0; negative ones count from the last. Default −1. */
  layer?: number | undefined;
  /** `true` for all layers together, in place of the heads of one. Default false. */
  rollout?: boolean | undefined;
}

const names = ['attentions', 'grid', 'first', 'layer', 'rollout'];
const wrong = (culprit: string, what: string, cure: string): HeedError =>
  new HeedError('ARGUMENT', `attentionOverPatches: ${culprit} ${what}`, { culprit, cure });

/**
 * How much each patch is attended to: float32 [H, lines, columns] of one layer, or [1, lines, columns] of all. What goes to other tokens is left out, so that a head's weights add up to
 * 1 at most. Throws ARGUMENT, SHAPE, NUMERIC.
 */
export function attentionOverPatches(picture: PatchAttention): HostTensor {
  checkOptions(picture, names, 'attentionOverPatches');
  const { attentions, grid, first, layer = -1, rollout = false } = picture;
  if (typeof rollout !== 'boolean') throw wrong('rollout', `is ${kindOf(rollout)}`, 'It is true or false');
  const { H, T } = sizesOf(attentions);
  const L = attentions.length;
  if (!(Number.isInteger(layer) && layer < L && layer >= -L))
    throw wrong('layer', `is ${kindOf(layer)}`, `There are ${L} layers, 0 to ${L - 1}`);
  const [lines = 0, columns = 0] = Array.isArray(grid) ? grid : [];
  const counts = [lines, columns, first].every((n) => Number.isSafeInteger(n) && n >= 0);
  if (!counts || first + lines * columns > T || lines * columns === 0)
    throw new HeedError(
      'SHAPE',
      `attentionOverPatches: [${kindOf(lines)}, ${kindOf(columns)}] patches behind ${kindOf(first)} tokens are not among ${T}`,
      {
        ...{ culprit: 'grid', shape: [H, T, T] },
        cure: 'Patches of a side are its pixels by those of a patch',
      },
    );
  const rows = rollout ? [rolledOut(attentions, T, first)] : headsOf(attentions.at(layer) as HostTensor, H, T, first);
  const patches = rows.flatMap((row) => [...row.subarray(first, first + lines * columns)]);
  if (!patches.every(Number.isFinite))
    throw new HeedError('NUMERIC', 'attentionOverPatches: there are weights that are not finite', {
      culprit: 'attentions',
      cure: 'Are the weights of the model finite?',
    });
  return new HostTensor('float32', Float32Array.from(patches), [rows.length, lines, columns]);
}

/** Heads and tokens of all layers. */
function sizesOf(attentions: readonly HostTensor[]): { H: number; T: number } {
  if (!Array.isArray(attentions) || !attentions.length)
    throw wrong(
      'attentions',
      `is ${kindOf(attentions)}`,
      'It must be a list of tensors, one for each layer; ask the model for output_attentions',
    );
  const [H = 0, T = 0] = (Object(attentions[0]).dims ?? []).slice(-3);
  for (const [l, layer] of attentions.entries()) {
    const { dims, data } = Object(layer) as Partial<HostTensor>;
    const fits = Array.isArray(dims) && (dims.length === 3 || (dims.length === 4 && dims[0] === 1)) && H > 0 && T > 0;
    if (fits && dims.slice(-3).join() === [H, T, T].join() && data?.length === H * T * T) continue;
    throw new HeedError('SHAPE', `attentionOverPatches: layer ${l} is [${dims ?? kindOf(layer)}]`, {
      ...{ culprit: 'attentions', shape: Array.isArray(dims) ? dims : [] },
      cure: 'Each layer must be [1, heads, tokens, tokens] of one picture',
    });
  }
  return { H, T };
}

/** The row of the class token, or the mean of all, of a matrix [T, T] that begins at a place. */
function rowIn(data: HostTensor['data'], from: number, T: number, first: number): Float64Array {
  const row = new Float64Array(T);
  const queries = first > 0 ? 1 : T;
  for (let q = 0; q < queries; q++) for (let k = 0; k < T; k++) row[k] = (row[k] as number) + Number(data[from + q * T + k]) / queries;
  return row;
}

const headsOf = ({ data }: HostTensor, H: number, T: number, first: number): Float64Array[] =>
  Array.from({ length: H }, (_, h) => rowIn(data, h * T * T, T, first));

/** From the last layer to the first: half of what a token is comes from itself, the other half from what all heads attend to on average. */
function rolledOut(attentions: readonly HostTensor[], T: number, first: number): Float64Array {
  let row = new Float64Array(T).fill(first > 0 ? 0 : 1 / T);
  if (first > 0) row[0] = 1;
  for (const { data } of [...attentions].reverse()) {
    const H = data.length / (T * T);
    const next = new Float64Array(T);
    for (let q = 0; q < T; q++) {
      const share = (row[q] as number) / 2;
      next[q] = (next[q] as number) + share;
      for (let h = 0; h < H; h++)
        for (let k = 0, at = (h * T + q) * T; k < T; k++) next[k] = (next[k] as number) + (share / H) * Number(data[at + k]);
    }
    row = next;
  }
  return row;
}
