/** Specifications of blocks from an architecture's choices. */
import type { BlockSpec } from '../nn/block.js';
import type { NormSpec } from '../nn/norm.js';
import type { BlockChoices, LayerChoices } from './architecture.js';

/** Sizes of a block, named as in architecture.ts. */
export interface BlockDims {
  C: number;
  H: number;
  G?: number;
  D?: number;
  F: number;
  eps: number;
}

export const normOf = (eps: number, { norm, bias = true, normBias = bias }: BlockChoices): NormSpec => ({
  kind: norm,
  eps,
  bias: normBias,
});

/** Specification of one block: where it is `causal`, tokens see only tokens before them; where it `crosses`, it has cross-attention. */
export function blockOf(
  { C, H, G, D, F, eps }: BlockDims,
  choices: BlockChoices & LayerChoices,
  { causal = false, crosses = false } = {},
): BlockSpec {
  const { place, activation, gated, bias = true, attentionBias = bias, attentionOutBias, queryKeyNorm, attentionScale: scale } = choices;
  const {
    dropout = 0,
    attentionDropout = dropout,
    activationDropout = dropout,
    attentionOutputDropout,
    softCap,
    residualScale,
    layerScale,
    drops,
  } = choices;
  const { window, rotary, slopes, attentionNorm, mixer } = choices;
  const norm = normOf(eps, choices);
  const attention = { H, G, D, bias: attentionBias, outBias: attentionOutBias, scale, softCap, dropout: attentionDropout };
  const reach = window === undefined ? undefined : ([window, window] as const);
  const norms = { norm: queryKeyNorm ? norm : undefined, normsAll: queryKeyNorm === 'all' };
  const own = { ...norms, rotary, slopes, window: reach, causal, mixer };
  return {
    ...{ C, attention: { ...attention, ...own }, cross: crosses ? attention : undefined },
    feedForward: { F, activation, gated, bias, dropout: activationDropout, ...choices.feedForward },
    ...{ norm, place, firstNorm: attentionNorm, dropout, attentionOutputDropout, residualScale, layerScale, drops },
  };
}
