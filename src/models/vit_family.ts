/** What ViT's descendants have in common with it: the keys of their configs, the names of their weights. */
import type { JsonNode } from '../io/json.js';
import type { ImageChoices, ImageDims, Names, StoredTensor } from './architecture.js';
import { hiddenActivation } from './bert_family.js';
import { headsIn, layersIn, numberIn, probabilityIn, sizeIn } from './config.js';
import { below } from './names.js';
import { gridOf, type Size } from './patch_stem.js';

/** A height and a width that a config gives as one number or two. */
export function imageSizeIn(c: JsonNode, key: string, absent: number | Size): Size {
  const given = c.get(key);
  if (given === undefined && typeof absent === 'object') return absent;
  if (!Array.isArray(given)) {
    const side = sizeIn(c, key, absent as number, 1 << 16);
    return [side, side];
  }
  if (given.length === 2 && given.every((side) => Number.isSafeInteger(side) && side >= 1 && side <= 1 << 16))
    return given as unknown as Size;
  throw c.error(`must have a number, or two, for ${key}`);
}

/** The side of square patches. */
export function patchIn(c: JsonNode, absent = 16): number {
  const [height, width] = imageSizeIn(c, 'patch_size', absent);
  if (height === width) return height;
  throw c.error('must have square patches for patch_size');
}

/** Sizes; `around`, tokens beside patches. Defaults are ViT's. */
export function vitDims(
  c: JsonNode,
  around = 1,
  absent: { F?: number; H?: number; eps?: number; image?: number | Size; patch?: number; C?: number } = {},
): ImageDims {
  const C = sizeIn(c, 'hidden_size', absent.C ?? 768);
  const patch = patchIn(c, absent.patch);
  const image = imageSizeIn(c, 'image_size', absent.image ?? 224);
  const [h, w] = gridOf(image, patch);
  if (h * w === 0) throw c.error('must have pictures that are larger than a patch');
  return {
    ...{ C, L: layersIn(c, 'num_hidden_layers', 12), H: headsIn(c, 'num_attention_heads', absent.H ?? 12, C) },
    F: absent.F ?? sizeIn(c, 'intermediate_size', 3072),
    eps: numberIn(c, 'layer_norm_eps', absent.eps ?? 1e-12),
    ...{ channels: sizeIn(c, 'num_channels', 3), patch, image, positions: h * w + around },
  };
}

/** Pre-norm blocks, and a norm behind them. */
export const vitChoices = (c: JsonNode): ImageChoices => ({
  ...{ place: 'pre', activation: hiddenActivation(c), finalNorm: true, leading: ['cls'], activationDropout: 0 },
  attentionBias: c.boolean('qkv_bias', true),
  attentionOutBias: true,
  dropout: probabilityIn(c, 'hidden_dropout_prob', 0),
  attentionDropout: probabilityIn(c, 'attention_probs_dropout_prob', 0),
});

/** The convolution of patches, whose kernels are rows here. */
export const patchWeights = (c: JsonNode, name: string, patch?: number) => {
  const [P, channels] = [patchIn(c, patch), sizeIn(c, 'num_channels', 3)];
  return { name, shape: ([C = 0]: readonly number[]) => [C, channels, P, P] };
};

/** A table that the file has behind an axis of 1. */
export const batched = (name: string): StoredTensor => ({ name, shape: (own: readonly number[]) => [1, ...own] });

/** Patches, tokens and positions. */
export const vitEmbeddings = (c: JsonNode): Names => ({
  'embeddings.patches': patchWeights(c, 'embeddings.patch_embeddings.projection'),
  'embeddings.cls': batched('embeddings.cls_token'),
  'embeddings.distillation': batched('embeddings.distillation_token'),
  'embeddings.registers': batched('embeddings.register_tokens'),
  'embeddings.trailing': batched('embeddings.detection_tokens'),
  'embeddings.position': batched('embeddings.position_embeddings'),
});

/** A layer's attention. */
const attention: Names = {
  'self_attn.in_proj': 'attention.attention.{query,key,value}',
  'self_attn.out_proj': 'attention.output.dense',
};

/** ViT's names of everything but heads. */
export const vitWeights = (c: JsonNode): Names => ({
  ...vitEmbeddings(c),
  ...below('layers.{l}', 'encoder.layer.{l}', {
    ...attention,
    norm1: 'layernorm_before',
    linear1: 'intermediate.dense',
    linear2: 'output.dense',
    norm2: 'layernorm_after',
  }),
  norm: 'layernorm',
  pooler: 'pooler.dense',
});

/** DINOv2's. */
export const dinov2Weights = (c: JsonNode): Names => ({
  ...vitEmbeddings(c),
  ...below('layers.{l}', 'encoder.layer.{l}', {
    ...attention,
    norm1: 'norm1',
    scale1: 'layer_scale1.lambda1',
    norm2: 'norm2',
    scale2: 'layer_scale2.lambda1',
    ...(c.boolean('use_swiglu_ffn', false)
      ? { linear1: 'mlp.weights_in', linear2: 'mlp.weights_out' }
      : { linear1: 'mlp.fc1', linear2: 'mlp.fc2' }),
  }),
  norm: 'layernorm',
});
