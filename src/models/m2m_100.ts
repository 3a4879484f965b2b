/**
 * M2M100 (Fan et al., arXiv 2010.11125) and NLLB-200 (Costa-jussà et al., arXiv 2207.04672), translators between a hundred languages and two hundred: BART with pre-norm
 * layers, a norm behind each stack, and fairseq's sinusoids, whose first row comes behind the padding's. Padding has no position, wherever it stands.
 */
import { countingAllBut, sinusoidal } from '../nn/positions.js';
import { likeBart, paddingIn } from './bart_family.js';

/** Defaults of config keys. */
const absent = { vocab_size: 128_112, pad_token_id: 1, activation_function: 'relu', attention_dropout: 0.1 };

/** M2M100's and NLLB's model_type 'm2m_100', for `registerArchitecture`: an encoder-decoder. */
export const m2m100 = /* @__PURE__ */ likeBart('m2m_100', 'pre', absent, (c) => {
  const padding = paddingIn(c, absent);
  return { positions: sinusoidal('tensor2tensor', padding + 1), count: countingAllBut(padding), logitsBias: false };
});
