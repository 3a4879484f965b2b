/** What architectures say of their models: sizes, and choices among blocks, stems and heads. */
import type { MixerSpec, RotaryMaker } from '../nn/attention.js';
import type { Place } from '../nn/block.js';
import type { FeedForwardMaker, Gate } from '../nn/feed_forward.js';
import type { NormKind } from '../nn/norm.js';
import type { BiasMaker, PositionCount, PositionsMaker } from '../nn/positions.js';
import type { Activation } from '../ops/activation.js';

/**
 * C channels, L layers, H heads, F hidden, V vocabulary; positions and types are sizes of embedding tables (0: none). E channels of embeddings, by default C:
 * where they differ, a product makes C of them (factorized embeddings: Lan et al., arXiv 1909.11942, §3.1), and a head scores words in E.
 */
export interface EncoderDims {
  C: number;
  E?: number;
  L: number;
  H: number;
  F: number;
  V: number;
  positions: number;
  types: number;
  eps: number;
}

/** What blocks are like: blocks.ts makes specifications of it. */
export interface BlockChoices {
  place: Place;
  activation: Activation;
  gated?: Gate;
  /** Default 'layer'. */
  norm?: NormKind;
  /** Of products; of norms and of attention where they differ. Default true, and as `bias`. */
  bias?: boolean;
  normBias?: boolean;
  attentionBias?: boolean | readonly [q: boolean, k: boolean, v: boolean];
  /** Of attention's output, where it differs from those of queries, keys and values. */
  attentionOutBias?: boolean;
  /** Norms of queries and keys, of each head or of 'all' together. Default false. */
  queryKeyNorm?: boolean | 'all';
  /** A norm behind the blocks. Default false. */
  finalNorm?: boolean;
  /** What scores of attention are multiplied by. Default 1 / sqrt(D). */
  attentionScale?: number;
  /** Bounds those scores: softCap · tanh(s / softCap). Default: nothing does. */
  softCap?: number | undefined;
  /** What sublayers' outputs are multiplied by before they are added. Default 1. */
  residualScale?: number;
  /** In training, the share that is zeroed of embeddings and of sublayers' outputs. Default 0. */
  dropout?: number;
  /** The same of embeddings, of attention weights, of what the activation gives, and of what attention gives. Default as `dropout`. */
  embeddingDropout?: number;
  attentionDropout?: number;
  activationDropout?: number;
  attentionOutputDropout?: number;
}

/** What a layer has of its own, where layers differ. Modules that few have are made by whoever chooses them, so that a bundle has those alone that its architectures choose. */
export interface LayerChoices {
  /** How many tokens to each side are seen. Default all. */
  window?: number | undefined;
  /** What turns queries and keys: one for all layers that give the same function. Default: nothing. */
  rotary?: RotaryMaker | undefined;
  /** How much scores lose with each token of distance, by heads (ALiBi). Default: nothing. */
  slopes?: readonly number[] | undefined;
  /** Whether attention reads behind a norm of its own, where layers are pre-norm. Default true. */
  attentionNorm?: boolean | undefined;
  /** What scores of its attention are multiplied by, where that differs. */
  attentionScale?: number;
  /** What stands in place of attention. */
  mixer?: MixerSpec | undefined;
  /** A sublayer in place of the feed-forward, and its channels. */
  feedForward?: { make: FeedForwardMaker; F: number } | undefined;
}

/** What an encoder chooses beside. */
export interface EncoderChoices extends BlockChoices {
  /** The vectors of positions. Default: a table; 'none': there are none. */
  positions?: PositionsMaker | 'none';
  /** Which token stands where, unless it is 0 … T − 1. */
  count?: PositionCount;
  /** What all layers add to the scores of H heads. */
  relative?: BiasMaker;
  /** Where layers differ: what layer l has of its own. */
  layer?: (l: number) => LayerChoices;
  /** Whether tokens see what stands before them alone. Default false. */
  causal?: boolean;
  /** Embeddings are multiplied by it. Default 1. */
  embeddingScale?: number | undefined;
  /** A norm behind the embeddings. Default true. */
  embeddingNorm?: boolean;
  /** Whether checkpoints may have a pooler: tanh(W h + b) of the first token. Default true. */
  pooler?: boolean;
}

/** L layers of H heads with D channels each, F hidden. */
export interface StackDims {
  L: number;
  H: number;
  D: number;
  F: number;
}

/** A decoder: as an encoder, of G key heads and heads of D channels. */
export interface DecoderDims extends StackDims {
  C: number;
  G: number;
  V: number;
  /** The most tokens that a row may have. */
  positions: number;
  eps: number;
}

/** What a decoder chooses beside. */
export interface DecoderChoices extends BlockChoices {
  /** The vectors of positions that are added. Default none. */
  positions?: PositionsMaker;
  /** Embeddings are multiplied by it. Default 1. */
  embeddingScale?: number;
  /** A norm behind the embeddings. Default false. */
  embeddingNorm?: boolean;
  /** Where layers differ: what layer l has of its own. */
  layer?: (l: number) => LayerChoices;
  /** Whether tokens see what stands before them alone; a model whose tokens do not writes nothing, but has states. Default true. */
  causal?: boolean;
  /** What the last states are multiplied by before they are scored. Default 1. */
  logitsScale?: number;
  /** Bounds the scores of words, as `softCap` those of attention. Default: nothing does. */
  logitsCap?: number | undefined;
  /** Whether words are scored by their embeddings, though the checkpoint may have scores `apart`. */
  tied: boolean;
  apart?: boolean;
}

/** C channels; V rows of the targets' embedding, sourceV of the sources'. */
export interface EncoderDecoderDims {
  C: number;
  V: number;
  sourceV: number;
  encoder: StackDims;
  decoder: StackDims;
  /** The most tokens that a row may have; Infinity where positions do not end. */
  positions: number;
  eps: number;
}

/** The modules whose tables sources, targets and scores of the output read. `embedding` may serve several. */
export interface Tables {
  source: 'embedding' | 'encoder_embedding';
  target: 'embedding' | 'decoder_embedding';
  output: 'embedding' | 'decoder_embedding' | 'lm_head';
}

export interface EncoderDecoderChoices extends BlockChoices {
  /** The vectors of positions. Default none. */
  positions?: PositionsMaker;
  /** Which token of a source stands where, unless it is as the row has it. */
  count?: PositionCount;
  /** What all blocks of a side add to the scores of its self-attention. */
  relative?: BiasMaker;
  /** The token for padding, whose embedding gets no gradient where it is looked up. */
  padding: number;
  tables: Tables;
  /** Tables that the checkpoint has several times, and may turn out to be one: see `Tie`. Default: none. */
  compared?: readonly string[];
  /** Embeddings are multiplied by it. Default 1. */
  embeddingScale?: number;
  /** A norm behind the embeddings. Default false. */
  embeddingNorm?: boolean;
  /** What the last states are multiplied by before they are scored. Default 1. */
  logitsScale?: number;
  /** A number for each token that is added to its score. Default false. */
  logitsBias?: boolean;
}
