/** Exports of host tensors for users: the class with its methods, and its functions. */
export { attachMethods, Tensor, type TensorConstructor } from './construct.js';
export { full, full_like, ones, ones_like, rand, randn, zeros, zeros_like } from './creation.js';
export {
  cat,
  interpolate,
  layer_norm,
  log_softmax,
  mean,
  mean_pooling,
  permute,
  quantize_embeddings,
  softmax,
  stack,
  std_mean,
  topk,
} from './functions.js';
