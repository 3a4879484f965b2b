/** The whole ABI: what the host calls. The build writes src/engine/kernels.generated.ts from it (scripts/kernels.mjs). */
export { activation_f32, activation_grad_f32 } from './activation';
export { attention_f32, attention_weights_f32 } from './attention';
export { attention_grad_kv_f32, attention_grad_q_f32, attention_grad_rows_f32 } from './attention_grad';
export { check_finite_f32, convert_bf16_f32, convert_f16_f32 } from './convert';
export { copy, copy_rows, transpose_f32 } from './copy';
export { dropout_f32 } from './dropout';
export { add_f32, fill_f32, mask_to_bias_f32, mul_f32, scale_f32 } from './elementwise';
export { embedding_f32, embedding_grad_f32 } from './embedding';
export {
  recode_iq4_nl, recode_q2_k, recode_q3_k, recode_q4_k, recode_q5_0, widen_q2_k, widen_q4_k, widen_q5_1, widen_q5_k, widen_q6_k,
} from './ggml';
export { cross_entropy_f32, cross_entropy_grad_f32 } from './loss';
export {
  binary_cross_entropy_f32, binary_cross_entropy_grad_f32, squared_error_f32, squared_error_grad_f32,
} from './loss_elements';
export { matmul_f32, matmul_q4, matmul_q8 } from './matmul';
export { layer_norm_f32, norm_grad_weight_f32, norm_grad_x_f32, rms_norm_f32 } from './norm';
export { adam_f32, sgd_f32, square_sum_f32 } from './optimizer';
export { pack_f32, unpack_f32 } from './pack';
export { append } from './pages';
export { planes_f32, resample_x_u8, resample_y_u8 } from './picture';
export {
  affine_f32, batch_norm_f32, depthwise2d_f32, depthwise2d_grad_weight_f32, fold2d_f32, likeliest_i32, max_pool2d_f32, unfold2d_f32,
} from './planes';
export { pack_q4, unpack_q4 } from './q4';
export { quantize_i8 } from './q4_activations';
export { blocks_q4, quantize_q4 } from './quantize_q4';
export { pack_int_q8, pack_q8_0, pack_scale_q8, quantize_q8, unpack_int_q8, unpack_q8, unpack_scale_q8 } from './quantize';
export { quantize_i16 } from './quantized';
export { sum_f32 } from './reduce';
export { rope_f32 } from './rope';
export { log_softmax_f32, log_softmax_grad_f32, softmax_f32, softmax_grad_f32 } from './softmax';
export { fold_f32, unfold_f32 } from './unfold';

/** A hash of these sources, which the host compares with its own. */
export const BUILD: i32 = HEED_BUILD;

/** 1 where multiply-add may be fused, so that bits depend on the machine. */
export const RELAXED: i32 = i32(ASC_FEATURE_RELAXED_SIMD);
