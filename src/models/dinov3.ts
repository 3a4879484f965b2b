/** DINOv3's ViTs (Siméoni et al., arXiv 2508.10104): DINOv2 whose patches have rotary positions. What training does to those is left out. */

import type { JsonNode } from '../io/json.js';
import { dropPath } from '../nn/drop_path.js';
import { patchRotary } from '../nn/patch_rotary.js';
import { defineArchitecture, type ImageChoices, type ImageDims } from './architecture.js';
import { hiddenActivation } from './bert_family.js';
import { headsIn, numberIn, probabilityIn } from './config.js';
import { ImageEncoder } from './image_encoder.js';
import { below } from './names.js';
import { firstPooler } from './poolers.js';
import { patchWeights, vitDims, vitEmbeddings } from './vit_family.js';

/** Whether queries, keys and values have biases. */
const biases = (c: JsonNode) => [c.boolean('query_bias', true), c.boolean('key_bias', false), c.boolean('value_bias', true)] as const;

/** model_type 'dinov3_vit', for `registerArchitecture`: an encoder of pictures. */
export const dinov3 = /* @__PURE__ */ defineArchitecture<ImageDims, ImageChoices>({
  name: 'dinov3_vit',
  className: 'DINOv3ViT',
  module: ImageEncoder,
  dims: (c) => {
    const dims = vitDims(c, 1 + c.integer('num_register_tokens', 1 << 16, 0), { C: 384, H: 6, eps: 1e-5 });
    if ((dims.C / headsIn(c, 'num_attention_heads', 6, dims.C)) % 4) throw c.error('must have heads of whole fours of channels');
    return dims;
  },
  block: (c) => ({
    ...{ place: 'pre', activation: hiddenActivation(c), gated: c.boolean('use_gated_mlp', false) },
    ...{ bias: c.boolean('mlp_bias', true), normBias: true, attentionOutBias: c.boolean('proj_bias', true) },
    attentionBias: biases(c),
    attentionDropout: probabilityIn(c, 'attention_dropout', 0),
    ...{ layerScale: true, finalNorm: true, pooler: firstPooler, drops: dropPath(probabilityIn(c, 'drop_path_rate', 0)) },
    ...{ leading: ['cls'], registers: c.integer('num_register_tokens', 1 << 16, 0), positions: false },
    rotary: patchRotary(numberIn(c, 'rope_theta', 100)),
  }),
  weights: (c) => {
    const gated = c.boolean('use_gated_mlp', false);
    const own = biases(c).flatMap((has, i) => (has ? [`${'qkv'[i]}_proj`] : []));
    return {
      ...vitEmbeddings(c),
      'embeddings.patches': patchWeights(c, 'embeddings.patch_embeddings'),
      ...below('layers.{l}', 'layer.{l}', {
        'self_attn.in_proj': 'attention.{q_proj,k_proj,v_proj}',
        'self_attn.in_proj_bias': `attention.${own.length > 1 ? `{${own}}` : own}.bias`,
        'self_attn.out_proj': 'attention.o_proj',
        norm1: 'norm1',
        scale1: 'layer_scale1.lambda1',
        linear1: gated ? 'mlp.gate_proj' : 'mlp.up_proj',
        linear2: 'mlp.down_proj',
        linear3: 'mlp.up_proj',
        norm2: 'norm2',
        scale2: 'layer_scale2.lambda1',
      }),
      norm: 'norm',
    };
  },
  renamed: [[/^model\.layer\./, 'layer.']],
  ignored: [/^embeddings\.(mask_token|register_tokens)$/, /inv_freq$/],
});
