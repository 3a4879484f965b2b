/** Swin2SR (Conde et al., arXiv 2209.11345): pictures made larger, or better. */
import type { JsonNode } from '../io/json.js';
import { defineArchitecture, type Names } from './architecture.js';
import { hiddenActivation } from './bert_family.js';
import { numberIn, oneOf, sizeIn, sizesIn, unsupported } from './config.js';
import { below } from './names.js';
import { type SwinChoices, type SwinDims, SwinEncoder } from './swin2sr_encoder.js';
import { type UpsamplerSpec, upsampler, upsamplerKinds, upsamplerWeights } from './upsamplers.js';
import { imageSizeIn, patchIn } from './vit_family.js';

const sixes = [6, 6, 6, 6, 6, 6];
/** The most blocks of all stages together. */
const MOST_BLOCKS = 1024;
/** Means of the channels of pictures, which checkpoints do not have. */
const MEAN = [0.4488, 0.4371, 0.404];

const channelsIn = (c: JsonNode) => sizeIn(c, 'num_channels', 3, 1 << 10);
const outputsIn = (c: JsonNode) => sizeIn(c, 'num_channels_out', channelsIn(c), 1 << 10);

function specOf(c: JsonNode): UpsamplerSpec {
  // Configs without an upsampler say so by null, or nothing between quotes; those that say nothing mean the first.
  const named = Object.hasOwn(c.value, 'upsampler') ? c.string('upsampler', '') : 'pixelshuffle';
  const kind = upsamplerKinds.find((known) => known === named);
  if (kind === undefined)
    throw unsupported(c, 'upsampler', `the upsampler ${named}, and heed has ${upsamplerKinds.filter(Boolean).join(', ')}`);
  const times = kind === '' ? 1 : sizeIn(c, 'upscale', 2, 64);
  const isPower = (times & (times - 1)) === 0;
  if (kind === 'nearest+conv' ? times !== 4 : kind !== 'pixelshuffledirect' && !isPower && times !== 3)
    throw c.error(`must have an upscale that ${kind} can be: 4${kind === 'nearest+conv' ? '' : ', another power of 2, or 3'}`);
  const spec = { kind, times, channels: channelsIn(c), outputs: outputsIn(c) };
  if (kind === '' && spec.outputs !== spec.channels) throw c.error('must have as many num_channels_out as num_channels');
  return spec;
}

function dimsOf(c: JsonNode): SwinDims {
  const [C, depths, heads] = [sizeIn(c, 'embed_dim', 180), sizesIn(c, 'depths', sixes), sizesIn(c, 'num_heads', sixes)];
  if (heads.length !== depths.length || heads.some((n) => C % n !== 0))
    throw c.error(`must have num_heads for each of ${depths.length} depths, which divide ${C} channels`);
  const [L, F] = [depths.reduce((sum, n) => sum + n, 0), Math.trunc(C * numberIn(c, 'mlp_ratio', 2))];
  if (L > MOST_BLOCKS) throw c.error(`must have ${MOST_BLOCKS} blocks at most in depths`);
  if (!(F >= 1 && F <= 1 << 24)) throw c.error('must have a mlp_ratio that leaves channels, and not too many');
  const [image, window] = [imageSizeIn(c, 'image_size', 64), sizeIn(c, 'window_size', 8, 64)];
  if (Math.min(...image) < window) throw unsupported(c, 'window_size', 'windows that are larger than its pictures');
  if (patchIn(c, 1) !== 1) throw unsupported(c, 'patch_size', 'patches of several pixels');
  return {
    ...{ C, L, F, depths, heads, window, image, H: heads[0] as number },
    eps: numberIn(c, 'layer_norm_eps', 1e-5),
    // Pictures of one window have nothing to be shifted to.
    shift: Math.min(...image) > window ? Math.floor(window / 2) : 0,
    channels: channelsIn(c),
    positions: image[0] * image[1],
  };
}

function choicesOf(c: JsonNode): SwinChoices {
  if (c.boolean('use_absolute_embeddings', false)) throw unsupported(c, 'use_absolute_embeddings', 'positions beside those of windows');
  const [channels, outputs, range] = [channelsIn(c), outputsIn(c), numberIn(c, 'img_range', 1)];
  if (range === 0) throw c.error('must have an img_range above 0');
  return {
    activation: hiddenActivation(c),
    bias: c.boolean('qkv_bias', true),
    narrows: oneOf(c, 'resi_connection', { '1conv': false, '3conv': true }),
    mean: channels === 3 && outputs === 3 ? MEAN : [0],
    range,
    times: specOf(c).times,
  };
}

/** Names of the blocks of all stages. */
function blockWeights(c: JsonNode): Names {
  const { depths } = dimsOf(c);
  const attention = 'attention.self';
  const block = {
    'self_attn.in_proj': `${attention}.{query,key,value}`,
    'self_attn.in_proj_bias': `${attention}.{query,value}.bias`,
    'self_attn.out_proj': 'attention.output.dense',
    'self_attn.logit_scale': { name: `${attention}.logit_scale`, shape: ([H = 0]: readonly number[]) => [H, 1, 1] },
    'self_attn.positions.hidden': `${attention}.continuous_position_bias_mlp.0`,
    'self_attn.positions.out': `${attention}.continuous_position_bias_mlp.2`,
    norm1: 'layernorm_before',
    linear1: 'intermediate.dense',
    linear2: 'output.dense',
    norm2: 'layernorm_after',
  };
  const each = Array.from({ length: Math.max(...depths) }, (_, l) =>
    below(`stages.{l}.layers.${l}`, `encoder.stages.{l}.layers.${l}`, block),
  );
  return Object.assign({}, ...each);
}

/** Swin2SR's model_type 'swin2sr', for `registerArchitecture`: an encoder of pictures. */
export const swin2sr = /* @__PURE__ */ defineArchitecture<SwinDims, SwinChoices>({
  name: 'swin2sr',
  className: 'Swin2SR',
  module: SwinEncoder,
  aliases: { hidden_size: 'embed_dim', num_attention_heads: 'num_heads' },
  dims: dimsOf,
  block: choicesOf,
  weights: (c) => ({
    first: 'first_convolution',
    'embeddings.projection': 'embeddings.patch_embeddings.projection',
    'embeddings.norm': 'embeddings.patch_embeddings.layernorm',
    ...blockWeights(c),
    'stages.{l}.conv': 'encoder.stages.{l}.conv',
    ...Object.fromEntries(['0', '2', '4'].map((n) => [`stages.{l}.conv.${n}`, `encoder.stages.{l}.conv.${n}`])),
    'stages.{l}.projection': 'encoder.stages.{l}.patch_embed.projection',
    norm: 'layernorm',
    last: 'conv_after_body',
  }),
  prefixes: ['swin2sr.'],
  ignored: [/\.relative_(coords_table|position_index)$/, /^(upsample|final_convolution)\./],
  heads: {
    ImageToImage: {
      choices: (c) => ({ reads: 'tokens', make: upsampler(specOf(c)) }),
      className: () => 'ImageSuperResolution',
      weights: (c) => upsamplerWeights(specOf(c)),
    },
  },
});
