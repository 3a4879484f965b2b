/**
 * BART (Lewis et al., arXiv 1910.13461): post-norm layers, learned positions, a norm behind the embeddings, one embedding for source, target and output.
 */
import { defineArchitecture, type EncoderDecoderChoices, type EncoderDecoderDims } from './architecture.js';
import { bartChoices, bartDims, bartIgnored, bartWeights } from './bart_family.js';
import { EncoderDecoder } from './encoder_decoder.js';

export const bart = /* @__PURE__ */ defineArchitecture<EncoderDecoderDims, EncoderDecoderChoices>({
  name: 'bart',
  module: EncoderDecoder,
  dims: bartDims,
  block: (c) => ({ ...bartChoices(c), positions: { kind: 'learned', offset: 2 }, embeddingNorm: true }),
  weights: bartWeights,
  prefixes: ['model.'],
  ignored: bartIgnored,
  optional: ['final_logits_bias'],
});
