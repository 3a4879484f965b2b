/** All models that read pictures. */
export { clip, clipText, clipVision } from './clip.js';
export { deit } from './deit.js';
export { depthAnything } from './depth_anything.js';
export { detr } from './detr.js';
export { dinov2, dinov2WithRegisters } from './dinov2.js';
export { dinov3 } from './dinov3.js';
export { segformer } from './segformer.js';
export { siglip, siglipText, siglipVision } from './siglip.js';
export { swin2sr } from './swin2sr.js';
export { vit } from './vit.js';
export { yolos } from './yolos.js';
