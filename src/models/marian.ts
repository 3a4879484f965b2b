/** Marian (Junczys-Dowmunt et al., arXiv 1804.00344) as Hugging Face has it, the opus-mt translators: BART's layers, with sinusoidal positions and no norm behind the embeddings. */
import { defineArchitecture, type EncoderDecoderChoices, type EncoderDecoderDims } from './architecture.js';
import { bartChoices, bartDims, bartIgnored, bartWeights } from './bart_family.js';
import { EncoderDecoder } from './encoder_decoder.js';

export const marian = /* @__PURE__ */ defineArchitecture<EncoderDecoderDims, EncoderDecoderChoices>({
  name: 'marian',
  module: EncoderDecoder,
  dims: bartDims,
  block: (c) => ({ ...bartChoices(c), positions: { kind: 'sinusoidal', layout: 'halves' } }),
  weights: bartWeights,
  prefixes: ['model.'],
  ignored: bartIgnored,
  optional: ['final_logits_bias'],
});
