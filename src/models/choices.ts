/** What architectures say of their models: sizes, and choices among blocks, stems and heads. */
import type { Engine } from '../engine/engine.js';
import type { MixerSpec, RotaryMaker } from '../nn/attention.js';
import type { Place } from '../nn/block.js';
import type { DropoutMaker } from '../nn/drop_path.js';
import type { FeedForwardMaker, Gate } from '../nn/feed_forward.js';
import type { Dropout } from '../nn/layers.js';
import type { Module } from '../nn/module.js';
import type { NormKind } from '../nn/norm.js';
import type { PatchRotary } from '../nn/patch_rotary.js';
import type { BiasMaker, PositionCount, PositionsMaker } from '../nn/positions.js';
import type { Activation } from '../ops/activation.js';
import type { Tensor } from '../tensor.js';
import type { PatchSpec, Size } from './patch_stem.js';
import type { PoolerMaker } from './poolers.js';
import type { Wave } from './waves.js';

/**
 * C channels, L layers, H heads, F hidden, V vocabulary; positions and types are sizes of embedding tables (0: none). E channels of embeddings, by default C:
 * where they differ, a product makes C of them (factorized embeddings: Lan et al., arXiv 1909.11942, §3.1), and a head scores words in E.
 */
export interface EncoderDims extends TrunkDims {
  E?: number;
  V: number;
  positions: number;
  types: number;
}

/** Of pictures: their channels and size, patches of P × P pixels; as many tokens as positions. */
export interface ImageDims extends TrunkDims {
  channels: number;
  patch: number;
  /** Pixels of the pictures that positions are for. */
  image: Size;
  /** Tokens of such a picture. */
  positions: number;
}

/** L layers of H heads, C channels, F hidden. */
export interface TrunkDims {
  C: number;
  L: number;
  H: number;
  F: number;
  eps: number;
}

/** Choices of all blocks; blocks.ts makes specifications of them. */
export interface BlockChoices {
  place: Place;
  activation: Activation;
  gated?: Gate;
  /** Default 'layer'. */
  norm?: NormKind;
  /** Biases of linear layers; of norms and of attention where they differ. Default true, and as `bias`. */
  bias?: boolean;
  normBias?: boolean;
  attentionBias?: boolean | readonly [q: boolean, k: boolean, v: boolean];
  /** Bias of attention's output projection, where it differs from that of queries, keys and values. */
  attentionOutBias?: boolean;
  /** Norms of queries and keys, of each head or of 'all' together. Default false. */
  queryKeyNorm?: boolean | 'all';
  /** A norm behind the blocks. Default false. */
  finalNorm?: boolean;
  /** Factor of attention scores. Default 1 / sqrt(D). */
  attentionScale?: number;
  /** Bound of attention scores: softCap · tanh(s / softCap). Default: none. */
  softCap?: number | undefined;
  /** Factor of sublayers' outputs before they are added to the residual. Default 1. */
  residualScale?: number;
  /** Whether they are multiplied by a learned number for each channel as well (LayerScale: Touvron et al., arXiv 2103.17239). Default false. */
  layerScale?: boolean;
  /** In training, the share that is zeroed of embeddings and of sublayers' outputs. Default 0. */
  dropout?: number;
  /** Dropout of embeddings, of attention weights, of the activation's output, and of attention's output. Default as `dropout`. */
  embeddingDropout?: number;
  attentionDropout?: number;
  activationDropout?: number;
  attentionOutputDropout?: number;
  /** Maker of what drops in training, where more than single numbers are zeroed: stochastic depth. */
  drops?: DropoutMaker | undefined;
}

/** Choices of one layer, where layers differ. Rare modules are passed as makers, so that a bundle contains only those that its architectures choose. */
export interface LayerChoices {
  /** Number of tokens that are seen to each side. Default all. */
  window?: number | undefined;
  /** Rotary positions of queries and keys; layers with the same function share one instance. Default: none. */
  rotary?: RotaryMaker | undefined;
  /** Slopes of ALiBi: how much scores fall with each token of distance, by heads. Default: none. */
  slopes?: readonly number[] | undefined;
  /** `true` where attention has a norm before it, in pre-norm layers. Default true. */
  attentionNorm?: boolean | undefined;
  /** Factor of this layer's attention scores, where it differs. */
  attentionScale?: number;
  /** Mixer instead of attention. */
  mixer?: MixerSpec | undefined;
  /** Sublayer instead of the feed-forward one, and its channels. */
  feedForward?: { make: FeedForwardMaker; F: number } | undefined;
}

/** What any encoder chooses beside. */
export interface TrunkChoices extends BlockChoices {
  /** What all layers add to the scores of H heads. */
  relative?: BiasMaker;
  /** Choices of layer l, where layers differ. */
  layer?: (l: number) => LayerChoices;
  /** `true` where tokens see only tokens before them. Default false. */
  causal?: boolean;
  /** What makes one vector of a row's states. Default: nothing. */
  pooler?: PoolerMaker | undefined;
}

/** What an encoder of token ids chooses beside. */
export interface EncoderChoices extends Omit<TrunkChoices, 'pooler'> {
  /** The vectors of positions. Default: a table; 'none': there are none. */
  positions?: PositionsMaker | 'none';
  /** Which token stands where, unless it is 0 … T − 1. */
  count?: PositionCount;
  /** Embeddings are multiplied by it. Default 1. */
  embeddingScale?: number | undefined;
  /** A norm behind the embeddings. Default true. */
  embeddingNorm?: boolean;
  /** Whether checkpoints may have a pooler: true is tanh(W h + b) of the first token. Default true. */
  pooler?: boolean | PoolerMaker;
}

/** What an encoder of pictures chooses beside: see PatchSpec. */
export interface ImageChoices extends TrunkChoices, Pick<PatchSpec, 'leading' | 'registers' | 'trailing'> {
  /** How positions are resampled for pictures of other sizes; false: there are none. Default bicubic. */
  positions?: PatchSpec['positions'];
  /** Whether the product of patches has a bias. Default true. */
  patchBias?: boolean;
  /** A norm behind the embeddings. Default false. */
  embeddingNorm?: boolean;
  /** Whether positions are added to what each block but the first reads, too, each its own. Default false. */
  morePositions?: boolean;
  /** What turns queries and keys of patches. Default: nothing. */
  rotary?: PatchRotary;
}

/** The encoders of a model that has two. */
export type Side = 'text' | 'image';

/** Two encoders, and the channels in which their vectors meet, where those are projected. */
export interface DualDims {
  text: EncoderDims;
  image: ImageDims;
  projection?: number;
  /** The most tokens that a text may have. */
  positions: number;
}

/** What two encoders choose. */
export interface DualChoices {
  text: EncoderChoices;
  image: ImageChoices;
  /** Whether a learned number is added to scores. Default false. */
  bias?: boolean;
  /** Whether texts are padded to as many tokens as there are positions, and padding is read. Default false. */
  padsTexts?: boolean;
  /** What users know each side's vectors by, where it is alone. */
  vectors: Readonly<Record<Side, string>>;
  /** The one that is made, where the other is not wanted. */
  only?: Side;
  /** Whether the vectors of the one that is made are projected, and have their name; they are `pooler_output` otherwise. Default true. */
  projects?: boolean;
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

/** Choices of a decoder. */
export interface DecoderChoices extends BlockChoices {
  /** Vectors of positions, added to embeddings. Default none. */
  positions?: PositionsMaker;
  /** Factor of embeddings. Default 1. */
  embeddingScale?: number;
  /** A norm behind the embeddings. Default false. */
  embeddingNorm?: boolean;
  /** Choices of layer l, where layers differ. */
  layer?: (l: number) => LayerChoices;
  /** `true` where tokens see only tokens before them; a model with false cannot generate, but has states. Default true. */
  causal?: boolean;
  /** Factor of the last states before the scores. Default 1. */
  logitsScale?: number;
  /** Bound of the scores of words, like `softCap` for attention. Default: none. */
  logitsCap?: number | undefined;
  /** `true` where embeddings score words. `apart`: the checkpoint has a matrix of scores of its own. */
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
  /** Largest number of tokens of a row; Infinity where positions have no limit. */
  positions: number;
  /** What sources are instead of ids: [B, channels, steps] numbers. Default: ids. */
  features?: { channels: number; steps: number };
  /** Or [B, samples], which these convolutions read. */
  waves?: readonly Wave[];
  eps: number;
}

/** What makes states [B, S, C] of numbers [B, channels, steps] or [B, samples]. */
export type FeatureStem = Module & { forward(features: Tensor): Tensor };
export type FeatureStemMaker = (engine: Engine, dims: EncoderDecoderDims, dropout: Dropout) => FeatureStem;

/** The modules whose tables sources, targets and scores of the output read. `embedding` may serve several. */
export interface Tables {
  source: 'embedding' | 'encoder_embedding';
  target: 'embedding' | 'decoder_embedding';
  output: 'embedding' | 'decoder_embedding' | 'lm_head';
}

export interface EncoderDecoderChoices extends BlockChoices {
  /** The vectors of positions. Default none. */
  positions?: PositionsMaker;
  /** Position of each token of a source, unless it is the token's place in the row. */
  count?: PositionCount;
  /** Bias that all blocks of a side add to their self-attention scores. */
  relative?: BiasMaker;
  /** Padding token, whose embedding gets no gradient from look-ups. */
  padding: number;
  tables: Tables;
  /** Tables that the checkpoint has several times, and that may be equal: see `Tie`. Default: none. */
  compared?: readonly string[];
  /** What sources that are no ids become states by; `dims.features` or `dims.waves` are its sizes. */
  stem?: FeatureStemMaker;
  /** What the blocks of one side choose otherwise, and what the other does. */
  sides?: Readonly<Record<'encoder' | 'decoder', Partial<BlockChoices> & Pick<LayerChoices, 'rotary'>>>;
  /** Embeddings are multiplied by it. Default 1. */
  embeddingScale?: number;
  /** A norm behind the embeddings. Default false. */
  embeddingNorm?: boolean;
  /** Factor of the last states before the scores. Default 1. */
  logitsScale?: number;
  /** `true` where each token's score has a bias. Default false. */
  logitsBias?: boolean;
}
