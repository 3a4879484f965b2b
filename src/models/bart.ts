/**
 * BART (Lewis et al., arXiv 1910.13461): post-norm layers, learned positions, a norm behind the embeddings, one embedding for source, target and output.
 */
import { learned } from '../nn/positions.js';
import { likeBart } from './bart_family.js';

/** BART's model_type 'bart', for `registerArchitecture`: an encoder-decoder. */
export const bart = /* @__PURE__ */ likeBart('bart', 'post', { vocab_size: 50_265, pad_token_id: 1 }, () => ({
  positions: learned(2),
  embeddingNorm: true,
}));
