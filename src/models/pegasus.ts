/** PEGASUS (Zhang et al., arXiv 1912.08777), for summaries: BART with pre-norm layers, a norm behind each stack, and sinusoidal positions. */
import { sinusoidal } from '../nn/positions.js';
import { likeBart } from './bart_family.js';

/** PEGASUS's model_type 'pegasus', for `registerArchitecture`: an encoder-decoder. */
export const pegasus = /* @__PURE__ */ likeBart('pegasus', 'pre', { vocab_size: 50_265, pad_token_id: 0 }, () => ({
  positions: sinusoidal('halves'),
}));
