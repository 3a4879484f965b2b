/** CLIP (Radford et al., arXiv 2103.00020): an encoder of texts and one of pictures, whose vectors meet. */
import { type DualChoices, type DualDims, defineArchitecture } from './architecture.js';
import { type Absent, aloneOf, dualBlocks, dualDims, dualIgnored, dualWeights, partIn } from './clip_family.js';
import { sizeIn } from './config.js';
import { DualEncoder } from './dual_encoder.js';
import { endPooler, normedFirstPooler } from './poolers.js';

const absent: Absent = {
  ...{ activation: 'quick_gelu', eps: 1e-5, patch: 32 },
  text: { vocab_size: 49_408, hidden_size: 512, intermediate_size: 2048, num_attention_heads: 8, max_position_embeddings: 77 },
};

/** The end of a text in files that were written before there were more words than CLIP's own: it has the highest id there. */
const OLD_END = 2;

/** CLIP's model_type 'clip', for `registerArchitecture`: an encoder of texts and of pictures. */
export const clip = /* @__PURE__ */ defineArchitecture<DualDims, DualChoices>({
  name: 'clip',
  className: 'CLIP',
  module: DualEncoder,
  dims: (c) => {
    const { image, ...rest } = dualDims(c, absent);
    return { ...rest, image: { ...image, positions: image.positions + 1 }, projection: sizeIn(c, 'projection_dim', 512) };
  },
  block: (c) => {
    const { text, image } = dualBlocks(c, absent);
    const end = partIn(c, 'text_config').integer('eos_token_id', 1 << 24, 49_407);
    return {
      text: { ...text, causal: true, pooler: endPooler(end === OLD_END ? undefined : end) },
      image: { ...image, leading: ['cls'], patchBias: false, embeddingNorm: true, pooler: normedFirstPooler },
      vectors: { text: 'text_embeds', image: 'image_embeds' },
    };
  },
  weights: (c) => ({
    ...dualWeights(c, absent),
    'image.embeddings.cls': { name: 'vision_model.embeddings.class_embedding', shape: ([, ...own]) => own },
    'image.embeddings.norm': 'vision_model.pre_layrnorm',
    'image.pooler.norm': 'vision_model.post_layernorm',
    text_projection: 'text_projection',
    image_projection: 'visual_projection',
    logit_scale: { name: 'logit_scale', shape: () => [] },
  }),
  ignored: dualIgnored,
  heads: { ImageClassification: { choices: () => ({ reads: 'patches' }), weights: { 'head.out': 'classifier' } } },
});
/** model_type 'clip_text_model', for `registerArchitecture`: CLIP's encoder of texts alone. */
export const clipText = /* @__PURE__ */ aloneOf(clip, 'text');
/** model_type 'clip_vision_model', for `registerArchitecture`: CLIP's encoder of pictures alone. */
export const clipVision = /* @__PURE__ */ aloneOf(clip, 'image');
