/** Decoders of Hugging Face that have no file in src, as data: each has something that Llama has not. What their checkpoints arrange otherwise is rearranged. */

import { type AnyArchitecture, type DecoderChoices, type DecoderDims, defineArchitecture } from '../../dist/models/architecture.js';
import { Decoder } from '../../dist/models/decoder.js';
import { headTies, llamaChoices, llamaDims, llamaWeights } from '../../dist/models/decoder_family.js';
import { rotaryOf } from '../../dist/models/rotary.js';
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
  { ...gemma3, ties: (c) => headTies(c) } as Definition,
  likeLlama('mistral', (c) => {
    const { layer } = llamaChoices(c, { tensors: 0, has: () => false, apart: () => false });
    return { layer: (l) => ({ ...layer?.(l), window: c.integer('sliding_window', 1 << 24) - 1 }) };
  }),
  likeLlama('qwen2', () => ({ attentionBias: true, attentionOutBias: false })),
  likeLlama('qwen3', () => ({ queryKeyNorm: true }), norms),
  likeLlama('phi3', () => ({ gated: 'fused' }), { 'self_attn.in_proj': 'self_attn.qkv_proj', linear1: 'mlp.gate_up_proj' }),
].map((one) => defineArchitecture(one as Definition) as AnyArchitecture);

const rearrangements: Readonly<Record<string, readonly [RegExp, (weight: Weight) => Weight]>> = {
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
