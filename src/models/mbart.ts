/** mBART (Liu et al., arXiv 2001.08210) and mBART-50 (Tang et al., arXiv 2008.00401): BART with pre-norm layers and a norm behind each stack. */
import { learned } from '../nn/positions.js';
import { likeBart } from './bart_family.js';

/** mBART's model_type 'mbart', for `registerArchitecture`: an encoder-decoder for 25 languages, or 50. */
export const mbart = /* @__PURE__ */ likeBart('mbart', 'pre', { vocab_size: 50_265, pad_token_id: 1 }, () => ({
  positions: learned(2),
  embeddingNorm: true,
}));
