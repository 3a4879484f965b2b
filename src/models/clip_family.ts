/** What CLIP's descendants have in common with it: the keys of their configs, the names of their weights. */
import { JsonNode } from '../io/json.js';
import {
  type Architecture,
  type DualChoices,
  type DualDims,
  type EncoderChoices,
  type EncoderDims,
  type ImageChoices,
  type ImageDims,
  type Names,
  namesOf,
  type Side,
} from './architecture.js';
import { activationOf, headsIn, layersIn, numberIn, probabilityIn, sizeIn } from './config.js';
import { below } from './names.js';
import { patchWeights, vitDims } from './vit_family.js';

/** A part of a config, which may say nothing; of old files, what they repeat beside prevails. */
export function partIn(c: JsonNode, key: string): JsonNode {
  const own = (name: string) => (c.get(name) === undefined ? {} : c.object(name).value);
  return new JsonNode(c.file, key, { ...own(key), ...own(`${key}_dict`) });
}

/** What configs may leave out. */
export interface Absent {
  activation: string;
  eps: number;
  text: {
    vocab_size: number;
    hidden_size: number;
    intermediate_size: number;
    num_attention_heads: number;
    max_position_embeddings: number;
  };
  patch: number;
}

/** Sizes of both sides. */
export function dualDims(c: JsonNode, absent: Absent): DualDims {
  const [own, vision] = [partIn(c, 'text_config'), partIn(c, 'vision_config')];
  const text = textDims(own, absent);
  return { text, image: visionDims(vision, absent), positions: text.positions };
}

function textDims(c: JsonNode, { text, eps }: Absent): EncoderDims {
  const C = sizeIn(c, 'hidden_size', text.hidden_size);
  return {
    ...{ C, L: layersIn(c, 'num_hidden_layers', 12), H: headsIn(c, 'num_attention_heads', text.num_attention_heads, C) },
    F: sizeIn(c, 'intermediate_size', text.intermediate_size),
    V: sizeIn(c, 'vocab_size', text.vocab_size),
    positions: sizeIn(c, 'max_position_embeddings', text.max_position_embeddings),
    ...{ types: 0, eps: numberIn(c, 'layer_norm_eps', eps) },
  };
}

const visionDims = (c: JsonNode, { eps, patch }: Absent): ImageDims => vitDims(c, 0, { eps, patch });

/** Pre-norm blocks. */
const blocksOf = (c: JsonNode, activation: string): Pick<ImageChoices, 'place' | 'activation' | 'attentionDropout'> => ({
  ...{ place: 'pre', activation: activationOf(c, 'hidden_act', c.string('hidden_act', activation)) },
  attentionDropout: probabilityIn(c, 'attention_dropout', 0),
});

/** Blocks of both sides. */
export function dualBlocks(c: JsonNode, { activation }: Absent): { text: EncoderChoices; image: ImageChoices } {
  const [text, image] = [blocksOf(partIn(c, 'text_config'), activation), blocksOf(partIn(c, 'vision_config'), activation)];
  return { text: { ...text, embeddingNorm: false, finalNorm: true }, image };
}

const layer: Names = {
  'self_attn.in_proj': 'self_attn.{q_proj,k_proj,v_proj}',
  'self_attn.out_proj': 'self_attn.out_proj',
  norm1: 'layer_norm1',
  linear1: 'mlp.fc1',
  linear2: 'mlp.fc2',
  norm2: 'layer_norm2',
};

/** Names of both sides, but for what pools. */
export const dualWeights = (c: JsonNode, absent: Absent): Names => ({
  ...below('text', 'text_model', {
    'embeddings.word': 'embeddings.token_embedding',
    'embeddings.position': 'embeddings.position_embedding',
    ...below('layers.{l}', 'encoder.layers.{l}', layer),
    norm: 'final_layer_norm',
  }),
  ...below('image', 'vision_model', {
    'embeddings.patches': patchWeights(partIn(c, 'vision_config'), 'embeddings.patch_embedding', absent.patch),
    'embeddings.position': 'embeddings.position_embedding.weight',
    ...below('layers.{l}', 'encoder.layers.{l}', layer),
  }),
  logit_scale: 'logit_scale',
  logit_bias: 'logit_bias',
});

/** Numbers of positions. */
export const dualIgnored = [/position_ids$/];

/** Names of each side in files. */
const parts = {
  text: { config: 'text_config', model: 'text_model', suffix: 'text' },
  image: { config: 'vision_config', model: 'vision_model', suffix: 'vision' },
} as const;

/**
 * One encoder of two as a checkpoint of its own, whose config.json is the part of that side: model_type 'clip_vision_model'. AutoModel loads it as it is, without a
 * projection; CLIPVisionModelWithProjection with it.
 */
export function aloneOf(whole: Architecture<DualDims, DualChoices>, side: Side): Architecture<DualDims, DualChoices> {
  const { config, model, suffix } = parts[side];
  const other = side === 'text' ? 'image' : 'text';
  const around = (c: JsonNode) => new JsonNode(c.file, c.path, { projection_dim: c.get('projection_dim'), [config]: c.value });
  return {
    ...whole,
    name: `${whole.name}_${suffix}_model`,
    className: `${whole.className}${suffix === 'text' ? 'Text' : 'Vision'}`,
    dims: (c) => {
      const dims = whole.dims(around(c));
      return { ...dims, [other]: { ...dims[other], L: 0 } };
    },
    block: (c, checkpoint) => ({ ...whole.block(around(c), checkpoint), only: side, projects: false }),
    weights: (c) => namesOf(whole, around(c)) ?? {},
    // transformers 5 leaves the prefix out where there is no projection.
    renamed: [[/^(?=(embeddings|encoder|pre_layrnorm|(post|final)_layer_?norm|head)\b)/, `${model}.`]],
    ignored: [...dualIgnored, /^(text|visual)_projection\./],
    heads: {},
  };
}
