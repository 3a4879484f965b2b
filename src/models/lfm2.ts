/** LFM2 (Liquid AI, arXiv 2511.23404): Llama with a gated short convolution instead of attention in most layers, and norms of each head's queries and keys. */

import type { JsonNode } from '../io/json.js';
import { shortConvolution } from '../nn/short_convolution.js';
import type { Architecture, DecoderChoices, DecoderDims } from './architecture.js';
import { numberIn, sizeIn } from './config.js';
import { ggufWeights, likeLlama, llamaDims } from './decoder_family.js';
import { GgufKeys } from './gguf_keys.js';

const sizes = { vocab_size: 65_536, hidden_size: 2560, intermediate_size: 12_288, max_position_embeddings: 128_000 };
const types = ['full_attention', 'conv'];

/** The most tokens that a convolution may reach. */
const MOST_KERNEL = 64;

/** Layers that are convolutions: transformers 5 lists all layers' types, older configs the attention layers. */
function convolvesIn(c: JsonNode, L: number): (l: number) => boolean {
  const attending = c.array('full_attn_idxs', undefined);
  const listed =
    c.array('layer_types', undefined) ?? Array.from({ length: L }, (_, l) => types[attending && !attending.includes(l) ? 1 : 0]);
  if (listed.length !== L || !listed.every((type) => types.includes(type as string)))
    throw c.error(`must list ${L} of ${types.join(' and ')} in layer_types`);
  return (l) => listed[l] === 'conv';
}

function dims(c: JsonNode): DecoderDims {
  const given = sizeIn(c, c.get('block_ff_dim') === undefined ? 'intermediate_size' : 'block_ff_dim', sizes.intermediate_size);
  const [multiple, factor] = [sizeIn(c, 'block_multiple_of', 256), numberIn(c, 'block_ffn_dim_multiplier', 1)];
  const scaled = Math.trunc(factor * Math.trunc((2 * given) / 3));
  const F = c.boolean('block_auto_adjust_ff_dim', true) ? multiple * Math.ceil(scaled / multiple) : given;
  return { ...llamaDims(c, sizes), F, eps: numberIn(c, 'norm_eps', 1e-5) };
}

/** Numbers of heads in a GGUF file: layers without key heads are convolutions. */
function headsIn({ file, metadata, name, tensors, vectors }: GgufKeys) {
  const key = `${name}.attention.head_count_kv`;
  const heads = metadata.get(key);
  const list = ArrayBuffer.isView(heads) ? Array.from(heads as Int32Array) : undefined;
  const same = new Map(metadata);
  if (list) same.set(key, Math.max(...list));
  return { list, keys: new GgufKeys(file, same, name, tensors, vectors) };
}

const made = (): Architecture<DecoderDims, DecoderChoices> => {
  const llama = likeLlama('lfm2', {
    absent: { sizes, base: 1_000_000, tied: true },
    block: (c, { L }) => {
      const convolves = convolvesIn(c, L);
      const mixer = shortConvolution(sizeIn(c, 'conv_L_cache', 3, MOST_KERNEL), c.boolean('conv_bias', false));
      return {
        queryKeyNorm: true,
        attentionBias: false,
        bias: false,
        tied: tiedIn(c),
        layer: (l) => (convolves(l) ? { mixer, rotary: undefined } : {}),
      };
    },
    names: {
      ...{
        'self_attn.out_proj': 'self_attn.out_proj',
        'self_attn.q_norm': 'self_attn.q_layernorm',
        'self_attn.k_norm': 'self_attn.k_layernorm',
      },
      ...{ 'conv.in_proj': 'conv.in_proj', 'conv.conv': 'conv.conv', 'conv.out_proj': 'conv.out_proj' },
      ...{ linear1: 'feed_forward.w1', linear3: 'feed_forward.w3', linear2: 'feed_forward.w2', norm1: 'operator_norm', norm2: 'ffn_norm' },
    },
    gguf: {
      name: 'lfm2',
      weights: () => ({
        ...ggufWeights({ 'conv.in_proj': 'shortconv.in_proj', 'conv.conv': 'shortconv.conv', 'conv.out_proj': 'shortconv.out_proj' }),
        norm: 'token_embd_norm',
      }),
    },
  });
  const { gguf, weights } = llama;
  return {
    ...llama,
    dims,
    weights: (c) => ({ ...(weights as (c: JsonNode) => object)(c), norm: 'embedding_norm' }),
    ...(gguf && {
      gguf: {
        ...gguf,
        config: (given) => {
          const { list, keys } = headsIn(given);
          return {
            ...gguf.config(keys),
            ...{
              conv_L_cache: keys.number('shortconv.l_cache'),
              norm_eps: keys.number('attention.layer_norm_rms_epsilon'),
              block_auto_adjust_ff_dim: false,
            },
            layer_types: list?.map((heads) => types[heads ? 0 : 1]),
          };
        },
      },
    }),
  };
};

const tiedIn = (c: JsonNode) => c.boolean('tie_embedding', c.boolean('tie_word_embeddings', true));

/** LFM2's model_type 'lfm2', for `registerArchitecture`: a decoder. */
export const lfm2 = /* @__PURE__ */ made();
