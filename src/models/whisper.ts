/** Whisper (Radford et al., arXiv 2212.04356), which writes what it hears: pre-norm layers on a spectrogram, keys without a bias, learned positions of what is written. */
import { learned } from '../nn/positions.js';
import { bartDims, bartWeights, likeBart } from './bart_family.js';
import { sizeIn } from './config.js';
import { SpeechEncoderDecoder } from './encoder_decoder.js';
import { STRIDE, spectrogram } from './spectrogram.js';
import { oneTable } from './ties.js';

const sizes = { vocab_size: 51_865, pad_token_id: 50_256, d_model: 384, layers: 4, heads: 6, ffn_dim: 1536 };

/** Keys have no bias. */
const attentionBiases = () =>
  Object.fromEntries(
    [
      ['encoder', 'self_attn', 'self_attn'],
      ['decoder', 'self_attn', 'self_attn'],
      ['decoder', 'multihead_attn', 'encoder_attn'],
    ].map(([side, own, theirs]) => [
      `transformer.${side}.layers.{l}.${own}.in_proj_bias`,
      `${side}.layers.{l}.${theirs}.{q_proj,v_proj}.bias`,
    ]),
  );

/** Whisper's model_type 'whisper', for `registerArchitecture`: an encoder-decoder that reads spectrograms. */
export const whisper = /* @__PURE__ */ likeBart(
  'whisper',
  'pre',
  sizes,
  () => ({
    ...{ positions: learned(), attentionBias: [true, false, true], stem: spectrogram },
    ...{ embeddingScale: 1, logitsBias: false },
  }),
  {
    module: SpeechEncoderDecoder,
    dims: (c) => ({
      ...bartDims(c, sizes),
      positions: sizeIn(c, 'max_target_positions', 448),
      features: { channels: sizeIn(c, 'num_mel_bins', 80), steps: STRIDE * sizeIn(c, 'max_source_positions', 1500) },
    }),
    weights: () => ({
      ...bartWeights(),
      ...attentionBiases(),
      ...{ embedding: 'decoder.embed_tokens', lm_head: 'proj_out' },
      ...{ 'stem.conv1': 'encoder.conv1', 'stem.conv2': 'encoder.conv2', 'stem.positions': 'encoder.embed_positions' },
    }),
    ties: () => oneTable('lm_head'),
    ignored: [],
    optional: [],
  },
);
