/** Llama (Touvron et al., arXiv 2302.13971; Grattafiori et al., arXiv 2407.21783), and models of the same architecture: SmolLM2, TinyLlama, Vicuna. */
import { ggufPairs, likeLlama } from './decoder_family.js';

/** Llama's model_type 'llama', for `registerArchitecture`: a decoder. */
export const llama = /* @__PURE__ */ likeLlama('llama', { gguf: { name: 'llama', weights: ggufPairs } });
