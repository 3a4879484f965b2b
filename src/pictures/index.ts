/**
 * heed/pictures: the workings of models as pages to look at. It needs no engine, and is in no other entry.
 * @module heed/pictures
 */

export { type AttentionPicture, type Attentions, renderAttention } from './attention.js';
export { attentionOverPatches, type PatchAttention } from './patches.js';
