/** SigLIP and SigLIP 2 for pictures of one size (Zhai et al., arXiv 2303.15343; Tschannen et al., arXiv 2502.14786): CLIP that tells of each pair whether it is one. */
import type { JsonNode } from '../io/json.js';
import { type DualChoices, type DualDims, defineArchitecture, type Names } from './architecture.js';
import { type Absent, aloneOf, dualBlocks, dualDims, dualIgnored, dualWeights, partIn } from './clip_family.js';
import { sizeIn, unsupported } from './config.js';
import { DualEncoder } from './dual_encoder.js';
import { below } from './names.js';
import { attentionPooler, lastPooler } from './poolers.js';
import { batched } from './vit_family.js';

const absent: Absent = {
  ...{ activation: 'gelu_pytorch_tanh', eps: 1e-6, patch: 16 },
  text: { vocab_size: 32_000, hidden_size: 768, intermediate_size: 3072, num_attention_heads: 12, max_position_embeddings: 64 },
};

/** What pools pictures. */
const head = (): Names => ({
  'pooler.probe': batched('head.probe'),
  'pooler.attention.in_proj_weight': 'head.attention.in_proj_weight',
  'pooler.attention.in_proj_bias': 'head.attention.in_proj_bias',
  'pooler.attention.out_proj': 'head.attention.out_proj',
  'pooler.norm': 'head.layernorm',
  'pooler.linear1': 'head.mlp.fc1',
  'pooler.linear2': 'head.mlp.fc2',
});

function block(c: JsonNode): DualChoices {
  const { text, image } = dualBlocks(c, absent);
  const [words, vision] = [partIn(c, 'text_config'), partIn(c, 'vision_config')];
  if (!vision.boolean('vision_use_head', true)) throw unsupported(vision, 'vision_use_head', 'pictures without a vector');
  const width = sizeIn(words, 'projection_size', sizeIn(words, 'hidden_size', absent.text.hidden_size));
  return {
    text: { ...text, pooler: lastPooler(width) },
    image: { ...image, leading: [], finalNorm: true, pooler: attentionPooler(image.activation) },
    ...{ vectors: { text: 'pooler_output', image: 'pooler_output' }, bias: true, padsTexts: true },
  };
}

/** SigLIP's model_type 'siglip', for `registerArchitecture`: an encoder of texts and of pictures. */
export const siglip = /* @__PURE__ */ defineArchitecture<DualDims, DualChoices>({
  name: 'siglip',
  className: 'Siglip',
  module: DualEncoder,
  dims: (c) => dualDims(c, absent),
  block,
  weights: (c) => ({
    ...dualWeights(c, absent),
    'text.pooler': 'text_model.head',
    ...below('image', 'vision_model', { norm: 'post_layernorm', ...head() }),
  }),
  ignored: dualIgnored,
  heads: { ImageClassification: { choices: () => ({ reads: 'patches', leading: 0 }), weights: { 'head.out': 'classifier' } } },
});
/** model_type 'siglip_text_model', for `registerArchitecture`: SigLIP's encoder of texts alone. */
export const siglipText = /* @__PURE__ */ aloneOf(siglip, 'text');
/** model_type 'siglip_vision_model', for `registerArchitecture`: SigLIP's encoder of pictures alone. */
export const siglipVision = /* @__PURE__ */ aloneOf(siglip, 'image');
