/**
 * BART (Lewis et al., arXiv 1910.13461): post-norm layers, learned positions, a norm behind the embeddings, one embedding for source, target and output.
 */
import { learned } from '../nn/positions.js';
import { defineArchitecture, type EncoderDecoderChoices, type EncoderDecoderDims } from './architecture.js';
import { bartAliases, bartChoices, bartDims, bartIgnored, bartTies, bartWeights } from './bart_family.js';
import { EncoderDecoder } from './encoder_decoder.js';

/** What configs may leave out. */
const sizes = { vocab_size: 50_265, pad_token_id: 1 };

/** BART's model_type 'bart', for `registerArchitecture`: an encoder-decoder. */
export const bart = /* @__PURE__ */ defineArchitecture<EncoderDecoderDims, EncoderDecoderChoices>({
  name: 'bart',
  module: EncoderDecoder,
  aliases: bartAliases,
  dims: (c) => bartDims(c, sizes),
  block: (c, checkpoint) => ({ ...bartChoices(c, checkpoint, sizes), positions: learned(2), embeddingNorm: true }),
  weights: bartWeights,
  ties: bartTies,
  prefixes: ['model.'],
  ignored: bartIgnored,
  optional: ['final_logits_bias'],
});
