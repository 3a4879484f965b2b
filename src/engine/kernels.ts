/**
 * The kernels' names and how many parameters each has: the host's half of the ABI, whose other half is assembly/index.ts.
 * The order is the one in which a launch numbers them.
 */
export const kernels = {
  activation_f32: 6,
  activation_grad_f32: 7,
  adam_f32: 15,
  add_f32: 7,
  append_f32: 19,
  attention_f32: 33,
  attention_grad_kv_f32: 35,
  attention_grad_q_f32: 34,
  attention_grad_rows_f32: 15,
  attention_weights_f32: 27,
  convert_bf16_f32: 5,
  convert_f16_f32: 5,
  copy: 12,
  copy_rows: 7,
  cross_entropy_f32: 11,
  cross_entropy_grad_f32: 13,
  dropout_f32: 7,
  embedding_f32: 6,
  embedding_grad_f32: 10,
  fill_f32: 5,
  layer_norm_f32: 9,
  log_softmax_f32: 5,
  log_softmax_grad_f32: 6,
  mask_to_bias_f32: 6,
  matmul_f32: 14,
  mul_f32: 7,
  norm_grad_weight_f32: 9,
  norm_grad_x_f32: 9,
  pack_f32: 11,
  rms_norm_f32: 8,
  rope_f32: 17,
  scale_f32: 6,
  sgd_f32: 12,
  softmax_f32: 5,
  softmax_grad_f32: 6,
  square_sum_f32: 5,
  sum_f32: 6,
  transpose_f32: 10,
  unpack_f32: 6,
} as const;

export type Kernel = keyof typeof kernels;

export const kernelNames = Object.keys(kernels) as Kernel[];
