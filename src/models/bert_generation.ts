/** The encoder of BertGeneration (Rothe et al., arXiv 1907.12461): BERT without token types and without a pooler. */
import { defineArchitecture, type EncoderChoices, type EncoderDims } from './architecture.js';
import { bertChoices, bertDims, bertIgnored, bertWeights, oldNorms } from './bert_family.js';
import { Encoder } from './encoder.js';

/** Defaults of config keys. */
const sizes = { vocab_size: 50_358, hidden_size: 1024, num_hidden_layers: 24, num_attention_heads: 16, intermediate_size: 4096 };

/** The model_type 'bert-generation', for `registerArchitecture`: an encoder. */
export const bertGeneration = /* @__PURE__ */ defineArchitecture<EncoderDims, EncoderChoices>({
  name: 'bert-generation',
  className: 'BertGeneration',
  module: Encoder,
  dims: (c) => ({ ...bertDims(c, sizes), types: 0 }),
  block: (c) => ({ ...bertChoices(c), pooler: false }),
  weights: bertWeights,
  prefixes: ['bert.'],
  renamed: oldNorms,
  ignored: bertIgnored,
});
