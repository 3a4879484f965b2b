/** Decoders of Hugging Face that have no file in src, as data: each has something that Llama has not. What their checkpoints arrange otherwise is rearranged. */

import { type AnyArchitecture, type DecoderChoices, type DecoderDims, defineArchitecture } from '../../dist/models/architecture.js';
import { Decoder } from '../../dist/models/decoder.js';
import { headTies, llamaChoices, llamaDims, llamaWeights, scoring } from '../../dist/models/decoder_family.js';
import { below } from '../../dist/models/names.js';
import { rotaryOf } from '../../dist/models/rotary.js';
import { alibiSlopes } from '../../dist/nn/alibi.js';
import { numbersOf, type Weight, type Weights, weightOf } from './files.js';

type Definition = Parameters<typeof defineArchitecture<DecoderDims, DecoderChoices>>[0];

/** One of Llama's descendants: what it has of its own. */
const likeLlama = (name: string, block: (...given: Parameters<Definition['block']>) => Partial<DecoderChoices>, own = {}): Definition => ({
  ...{ name, module: Decoder, dims: (c) => llamaDims(c), prefixes: ['model.'] },
  block: (c, checkpoint) => ({ ...llamaChoices(c, checkpoint), ...block(c, checkpoint) }),
  weights: () => llamaWeights(own),
  ties: (c) => headTies(c, false),
});

const norms = { 'self_attn.q_norm': 'self_attn.q_norm', 'self_attn.k_norm': 'self_attn.k_norm' };

const neoxNames = below('layers.{l}', 'layers.{l}', {
  ...{ 'self_attn.in_proj': 'attention.query_key_value', 'self_attn.out_proj': 'attention.dense', norm1: 'input_layernorm' },
  ...{ linear1: 'mlp.dense_h_to_4h', linear2: 'mlp.dense_4h_to_h', norm2: 'post_attention_layernorm' },
});
const gptNeox: Definition = {
  ...{ name: 'gpt_neox', module: Decoder, prefixes: ['gpt_neox.'], ties: (c) => headTies(c, false) },
  dims: (c) => ({ ...llamaDims(c), eps: 1e-5 }),
  block: (c, checkpoint) => {
    const rotary = rotaryOf(c, llamaDims(c).positions, { base: 10_000, share: 0.25 });
    return { place: 'parallel', activation: 'gelu', layer: () => ({ rotary }), ...scoring(c, checkpoint, false) };
  },
  weights: () => ({ 'embeddings.word': 'embed_in', norm: 'final_layer_norm', lm_head: 'embed_out', ...neoxNames }),
};

const bloom: Definition = {
  ...{ name: 'bloom', module: Decoder, prefixes: ['transformer.'], ties: (c) => headTies(c) },
  dims: (c) => {
    const [C, H] = [c.integer('hidden_size', 1 << 24), c.integer('n_head', 1 << 24)];
    const V = c.integer('vocab_size', 1 << 24);
    return { C, L: c.integer('n_layer', 1024), H, G: H, D: C / H, F: 4 * C, V, positions: Number.POSITIVE_INFINITY, eps: 1e-5 };
  },
  block: (c, checkpoint) => {
    const slopes = alibiSlopes(c.integer('n_head', 1 << 24));
    return { place: 'pre', activation: 'geluTanh', embeddingNorm: true, layer: () => ({ slopes }), ...scoring(c, checkpoint) };
  },
  weights: () => ({
    ...{ 'embeddings.word': 'word_embeddings', 'embeddings.norm': 'word_embeddings_layernorm', norm: 'ln_f', lm_head: 'lm_head' },
    ...below('layers.{l}', 'h.{l}', {
      ...{ 'self_attn.in_proj': 'self_attention.query_key_value', 'self_attn.out_proj': 'self_attention.dense', norm1: 'input_layernorm' },
      ...{ linear1: 'mlp.dense_h_to_4h', linear2: 'mlp.dense_4h_to_h', norm2: 'post_attention_layernorm' },
    }),
  }),
};

/** Each layer's own window and base. */
const gemma3 = likeLlama(
  'gemma3_text',
  (c, { apart }) => {
    const types = c.array('layer_types') as readonly string[];
    const rope = c.object('rope_parameters');
    const turning = Object.fromEntries(['sliding_attention', 'full_attention'].map((type) => [type, rotaryOf(rope.object(type), 64)]));
    const window = c.integer('sliding_window', 1 << 24) - 1;
    return {
      ...{ place: 'both', queryKeyNorm: true, activation: 'geluTanh', embeddingScale: Math.sqrt(llamaDims(c).C) },
      layer: (l) => ({ rotary: turning[types[l] as string], window: types[l] === 'sliding_attention' ? window : undefined }),
      ...{ tied: true, apart: apart('lm_head') },
    };
  },
  { ...norms, norm1_out: 'post_attention_layernorm', norm2: 'pre_feedforward_layernorm', norm2_out: 'post_feedforward_layernorm' },
);

export const architectures = [
  ...[gptNeox, bloom, { ...gemma3, ties: bloom.ties }],
  likeLlama('mistral', (c) => {
    const { layer } = llamaChoices(c, { tensors: 0, has: () => false, apart: () => false });
    return { layer: (l) => ({ ...layer?.(l), window: c.integer('sliding_window', 1 << 24) - 1 }) };
  }),
  likeLlama('qwen2', () => ({ attentionBias: true, attentionOutBias: false })),
  likeLlama('qwen3', () => ({ queryKeyNorm: true }), norms),
  likeLlama('phi3', () => ({ gated: 'fused' }), { 'self_attn.in_proj': 'self_attn.qkv_proj', linear1: 'mlp.gate_up_proj' }),
].map((one) => defineArchitecture(one as Definition) as AnyArchitecture);

/** Rows by heads, those of a head being its query's, key's and value's, as all queries', all keys' and all values'. */
function byProjection(weight: Weight, H = 4): Weight {
  const [rows = 0] = weight.shape;
  const [from, D] = [numbersOf(weight), rows / (3 * H)];
  const width = from.length / rows;
  const source = (row: number) => {
    const [part, h, d] = [Math.floor(row / (H * D)), Math.floor(row / D) % H, row % D];
    return (h * 3 + part) * D + d;
  };
  return weightOf(
    Float32Array.from(from, (_, i) => from[source(Math.floor(i / width)) * width + (i % width)] as number),
    weight.shape,
  );
}

const rearrangements: Readonly<Record<string, readonly [RegExp, (weight: Weight) => Weight]>> = {
  gpt_neox: [/query_key_value/, byProjection],
  bloom: [/query_key_value/, byProjection],
  // Gemma's norms multiply by 1 + w.
  gemma3: [
    /norm\.weight$/,
    (weight) =>
      weightOf(
        numbersOf(weight).map((w) => 1 + w),
        weight.shape,
      ),
  ],
};

/** A checkpoint's tensors as heed's modules have them. */
export function rearranged(name: string, weights: Weights): Weights {
  const [pattern, change] = rearrangements[name] ?? [];
  if (!pattern || !change) return weights;
  return Object.fromEntries(Object.entries(weights).map(([key, weight]) => [key, pattern.test(key) ? change(weight) : weight]));
}
