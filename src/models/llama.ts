/** Llama (Touvron et al., arXiv 2302.13971; Grattafiori et al., arXiv 2407.21783), and what is of its kind: SmolLM2, TinyLlama, Vicuna. */
import { type DecoderChoices, type DecoderDims, defineArchitecture } from './architecture.js';
import { Decoder } from './decoder.js';
import { ggufPairs, headTies, llamaChoices, llamaDims, llamaGguf, llamaWeights } from './decoder_family.js';

/** Llama's model_type 'llama', for `registerArchitecture`: a decoder. */
export const llama = /* @__PURE__ */ defineArchitecture<DecoderDims, DecoderChoices>({
  name: 'llama',
  module: Decoder,
  dims: (c) => llamaDims(c),
  block: llamaChoices,
  weights: () => llamaWeights(),
  ties: (c) => headTies(c, false),
  prefixes: ['model.'],
  ignored: [/\.rotary_emb\.inv_freq$/, /^rope_freqs\.weight$/],
  gguf: { name: 'llama', config: llamaGguf, weights: ggufPairs },
});
