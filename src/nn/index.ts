/**
 * heed/nn: modules with PyTorch's names, options (in camelCase) and state-dict keys.
 * @module heed/nn
 */
export type { Turn } from './attention.js';
export { KVCache, type KVCacheOptions } from './cache.js';
export { Conv1d } from './convolution.js';
export type { Gate } from './feed_forward.js';
export type { Init } from './init.js';
export { Dropout, Embedding, LayerNorm, Linear, RMSNorm } from './layers.js';
export { type LoadOptions, Module, type SaveOptions, type StateDict, type StateTensor, type TrainOptions } from './module.js';
export {
  MultiheadAttention,
  type MultiheadAttentionCall,
  type MultiheadAttentionOptions,
  type MultiheadAttentionResult,
} from './multihead_attention.js';
export type { Norm } from './norm.js';
export type { PageDtype } from './pages.js';
export type { Parameter, ParameterDtype, ParameterOptions } from './parameter.js';
export {
  LearnedPositions,
  RelativeBias,
  type RelativeBiasOptions,
  SinusoidalPositions,
  type SinusoidLayout,
  sinusoids,
} from './positions.js';
export { type Frequencies, RotaryPositions, type RotaryPositionsOptions, type RotaryScaling } from './rotary_positions.js';
export { rotaryScalings, type ScalingParameters } from './rotary_scalings.js';
export { Transformer, type TransformerCall, TransformerDecoder, TransformerEncoder, type TransformerOptions } from './stacks.js';
export {
  type DecoderLayerCall,
  type EncoderLayerCall,
  type LayerAttention,
  type LayerMasks,
  TransformerDecoderLayer,
  TransformerEncoderLayer,
  type TransformerLayerOptions,
  type WeightsListener,
} from './transformer.js';
