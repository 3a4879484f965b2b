/** The whole ABI: what the host calls. src/engine/kernels.ts holds the same names with their arities, and a test compares them. */
export { activation_f32 } from './activation';
export { attention_f32, attention_weights_f32 } from './attention';
export { convert_bf16_f32, convert_f16_f32 } from './convert';
export { add_f32, copy, mask_to_bias_f32, mul_f32, scale_f32 } from './elementwise';
export { embedding_f32 } from './embedding';
export { matmul_f32 } from './matmul';
export { layer_norm_f32, rms_norm_f32 } from './norm';
export { pack_f32, unpack_f32 } from './pack';
export { rope_f32 } from './rope';
export { log_softmax_f32, softmax_f32 } from './softmax';

/** A hash of these sources, which the host compares with its own. */
export const BUILD: i32 = HEED_BUILD;

/** 1 where multiply-add may be fused, so that bits depend on the machine. */
export const RELAXED: i32 = i32(ASC_FEATURE_RELAXED_SIMD);
