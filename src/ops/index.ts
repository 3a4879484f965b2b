/**
 * heed/ops: the functional forms, under PyTorch's names. Each op takes tensors and returns a new one.
 * @module heed/ops
 */

export { type Gradient, type Sink, Tape } from '../autograd/tape.js';
export { Tensor as HostTensor } from '../host/index.js';
export { type Matrix, PackedMatrix, Tensor, tensor } from '../tensor.js';
export {
  type Activation,
  activate,
  activations,
  gelu,
  hardswish,
  leakyRelu,
  mish,
  quickGelu,
  relu,
  relu6,
  sigmoid,
  silu,
  tanh,
} from './activation.js';
export { type AttentionOptions, attentionWithWeights, maskToBias, scaledDotProductAttention } from './attention.js';
export { backward, valueAndGrad } from './backward.js';
export { type ConvolutionOptions, conv1d, unfold, type WindowOptions } from './convolution.js';
export { type DropoutKey, dropout } from './dropout.js';
export { add, mul, scale } from './elementwise.js';
export { type EmbeddingOptions, embedding } from './embedding.js';
export type { Given, TensorLike } from './given.js';
export { type CrossEntropyOptions, crossEntropy, type PredictionSums, predictionSums } from './loss.js';
export { binaryCrossEntropyWithLogits, mseLoss } from './loss_elements.js';
export { type LinearOptions, linear, type MatmulOptions, matmul, pack, unpack } from './matmul.js';
export { layerNorm, logSoftmax, type NormOptions, rmsNorm, softmax } from './norm.js';
export { QuantizedMatrix, quantize, quantizedInts, quantizedScales } from './quantize.js';
export { mean, sum } from './reduce.js';
export { type RotaryOptions, type RotaryTable, rotary, rotaryTable } from './rotary.js';
export { cat, chunk, contiguous, expand, narrow, permute, reshape, transpose, unflatten } from './shape.js';
