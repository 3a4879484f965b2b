/**
 * The kernels' names and how many parameters each has: the host's half of the ABI, whose other half is assembly/index.ts.
 * The order is the one in which a launch numbers them.
 */
export const kernels = {
  activation_f32: 6,
  add_f32: 7,
  attention_f32: 30,
  attention_weights_f32: 25,
  convert_bf16_f32: 5,
  convert_f16_f32: 5,
  copy: 12,
  embedding_f32: 6,
  layer_norm_f32: 8,
  log_softmax_f32: 5,
  mask_to_bias_f32: 6,
  matmul_f32: 14,
  mul_f32: 7,
  pack_f32: 11,
  rms_norm_f32: 7,
  rope_f32: 16,
  scale_f32: 6,
  softmax_f32: 5,
  unpack_f32: 6,
} as const;

export type Kernel = keyof typeof kernels;

export const kernelNames = Object.keys(kernels) as Kernel[];
