/** Moonshine (Jeffries et al., arXiv 2410.15608), which writes what it hears in samples: pre-norm layers with rotary positions, and a gate in the decoder's. */
import type { JsonNode } from '../io/json.js';
import { defineArchitecture, type EncoderDecoderChoices, type EncoderDecoderDims, type Names, tiesWords } from './architecture.js';
import { activationOf, headsIn, layersIn, probabilityIn, sizeIn, unsupported } from './config.js';
import { SpeechEncoderDecoder } from './encoder_decoder.js';
import { below } from './names.js';
import { rotaryOf } from './rotary.js';
import { sampleStem } from './sample_stem.js';
import { oneTable, tablesOf } from './ties.js';

const width = (c: JsonNode): number => sizeIn(c, 'hidden_size', 288);
const words = (c: JsonNode): number => sizeIn(c, 'vocab_size', 32_768);
const positions = (c: JsonNode): number => sizeIn(c, 'max_position_embeddings', 512);

function stackOf(c: JsonNode, side: string) {
  const [C, F] = [width(c), sizeIn(c, 'intermediate_size', 1152)];
  const H = headsIn(c, `${side}_num_attention_heads`, 8, C);
  const G = `${side}_num_key_value_heads`;
  if (sizeIn(c, G, H) !== H) throw unsupported(c, G, 'fewer heads of keys than of queries, which transformers does not run either');
  return { L: layersIn(c, `${side}_num_hidden_layers`, 6), H, D: C / H, F };
}

const layers = (side: string, between: Names, lastNorm: Names): Names =>
  below(`transformer.${side}.layers.{l}`, `${side}.layers.{l}`, {
    ...{ 'self_attn.in_proj': 'self_attn.{q_proj,k_proj,v_proj}', 'self_attn.out_proj': 'self_attn.o_proj', norm1: 'input_layernorm' },
    ...{ ...between, linear1: 'mlp.fc1', linear2: 'mlp.fc2', ...lastNorm },
  });

/** Moonshine's model_type 'moonshine', for `registerArchitecture`: an encoder-decoder that reads samples. */
export const moonshine = /* @__PURE__ */ defineArchitecture<EncoderDecoderDims, EncoderDecoderChoices>({
  name: 'moonshine',
  module: SpeechEncoderDecoder,
  dims: (c) => {
    const [C, V] = [width(c), words(c)];
    const waves = [
      { channels: C, kernel: 127, stride: 64 },
      { channels: 2 * C, kernel: 7, stride: 3 },
      { channels: C, kernel: 3, stride: 2 },
    ];
    return { C, V, sourceV: V, encoder: stackOf(c, 'encoder'), decoder: stackOf(c, 'decoder'), positions: positions(c), waves, eps: 1e-5 };
  },
  block: (c, checkpoint) => {
    const rotary = rotaryOf(c, positions(c), { share: 0.9, interleaved: true });
    const activation = (side: string, absent: string) => activationOf(c, `${side}_hidden_act`, c.string(`${side}_hidden_act`, absent));
    return {
      ...{ place: 'pre', finalNorm: true, normBias: false, attentionBias: c.boolean('attention_bias', false), attentionOutBias: false },
      ...{ stem: sampleStem, activation: activation('encoder', 'gelu'), padding: c.integer('pad_token_id', words(c) - 1, 2) },
      sides: { encoder: { rotary }, decoder: { rotary, activation: activation('decoder', 'silu'), gated: 'fused_last' } },
      ...(tiesWords(c) ? tablesOf(checkpoint) : { tables: { source: 'embedding', target: 'embedding', output: 'lm_head' } }),
      attentionDropout: probabilityIn(c, 'attention_dropout', 0),
    };
  },
  weights: () => ({
    ...{ embedding: 'decoder.embed_tokens', lm_head: 'proj_out', 'stem.norm': 'encoder.groupnorm' },
    ...{ 'stem.conv1': 'encoder.conv1', 'stem.conv2': 'encoder.conv2', 'stem.conv3': 'encoder.conv3' },
    ...{ 'transformer.encoder.norm': 'encoder.layer_norm', 'transformer.decoder.norm': 'decoder.norm' },
    ...layers('encoder', {}, { norm2: 'post_attention_layernorm' }),
    ...layers(
      'decoder',
      {
        'multihead_attn.in_proj': 'encoder_attn.{q_proj,k_proj,v_proj}',
        'multihead_attn.out_proj': 'encoder_attn.o_proj',
        norm2: 'post_attention_layernorm',
      },
      { norm3: 'final_layernorm' },
    ),
  }),
  ties: (c) => (tiesWords(c) ? oneTable('lm_head') : []),
  prefixes: ['model.'],
});
