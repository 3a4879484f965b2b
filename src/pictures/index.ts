/**
 * heed/pictures: what models do, as pages to look at. It needs no engine, and nothing of it is in the other entries.
 * @module heed/pictures
 */
export { type AttentionPicture, type Attentions, renderAttention } from './attention.js';
