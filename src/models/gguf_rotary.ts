/** Rotary positions of GGUF files, as a config's parameters: keys `rope.*`, and tensors with a number for each pair of channels (llama.cpp's llama-model.cpp). */
import { HeedError } from '../errors.js';
import { quote } from '../io/header.js';
import type { JsonObject } from '../io/json.js';
import { yarnScale } from '../nn/rotary_scalings.js';
import type { GgufKeys } from './gguf_keys.js';

/** Tensors of factors of the pairs' wavelengths: for all texts, as in Llama 3.1, or for texts longer than those of pretraining, and for others. */
const [ALL, LONG, SHORT] = ['rope_freqs.weight', 'rope_factors_long.weight', 'rope_factors_short.weight'] as const;
export const rotaryTensors: readonly string[] = [ALL, LONG, SHORT];

/** rope_theta, and rope_scaling where positions are scaled. Throws UNSUPPORTED for a way that heed does not have, FORMAT for numbers that cannot be. */
export function rotaryInGguf(keys: GgufKeys): JsonObject {
  const whole = keys.number('rope.dimension_count');
  const head = keys.number('attention.key_length') ?? headIn(keys);
  const share = whole && head && whole < head ? whole / head : undefined;
  const base = { rope_theta: keys.number('rope.freq_base'), partial_rotary_factor: share };
  const scaling = scalingIn(keys);
  return scaling ? { ...base, rope_scaling: scaling } : base;
}

function scalingIn(keys: GgufKeys): JsonObject | undefined {
  const number = (key: string) => keys.number(`rope.scaling.${key}`);
  const factor = number('factor') || keys.number('rope.scale_linear') || 1;
  const [all, long, short] = [ALL, LONG, SHORT].map((name) => factorsIn(keys, name));
  const kind = keys.text('rope.scaling.type') ?? (long ? 'longrope' : 'linear');
  const original_max_position_embeddings = number('original_context_length');
  const attention_factor = (number('attn_factor') ?? 1) * (number('yarn_attn_factor') ?? 1);
  const known = ['none', 'linear', 'yarn', 'longrope'].includes(kind);
  if (!known || (all && kind === 'yarn' && factor !== 1))
    throw new HeedError('UNSUPPORTED', `${keys.file} scales rotary positions by ${quote(kind)}${all ? ` and ${ALL}` : ''}`, {
      culprit: 'rope.scaling.type',
      cure: 'Take the safetensors model',
    });
  const log = number('yarn_log_multiplier');
  if (kind === 'yarn' && factor !== 1)
    return {
      ...{
        rope_type: kind,
        factor,
        original_max_position_embeddings,
        beta_fast: number('yarn_beta_fast'),
        beta_slow: number('yarn_beta_slow'),
      },
      ...(log ? { mscale: 1, mscale_all_dim: log } : { attention_factor: attention_factor * yarnScale(factor) }),
    };
  if (long && short)
    return { rope_type: 'longrope', short_factor: short, long_factor: long, attention_factor, original_max_position_embeddings };
  // Factors of single pairs, and the factor that all pairs share.
  const step = kind === 'linear' ? factor : 1;
  if (all) {
    const stretch = all.map((one) => one * step);
    return { rope_type: 'longrope', factor: 1, short_factor: stretch, long_factor: stretch, attention_factor };
  }
  return step === 1 ? undefined : { rope_type: 'linear', factor: step };
}

/** Channels of a head, where they are an equal share. */
function headIn(keys: GgufKeys): number | undefined {
  const [C, H] = [keys.number('embedding_length'), keys.number('attention.head_count')];
  return C && H && C / H;
}

/** A number for each pair of channels that turn. */
function factorsIn(keys: GgufKeys, name: string): number[] | undefined {
  const found = keys.vectors.get(name);
  if (!found) return undefined;
  const pairs = (keys.number('rope.dimension_count') ?? keys.number('attention.key_length') ?? headIn(keys) ?? 0) / 2;
  if (found.length === pairs && found.every((one) => one > 0 && one < Number.POSITIVE_INFINITY)) return Array.from(found);
  throw new HeedError('FORMAT', `${keys.file}: ${name} is no ${pairs} factors above 0`, { culprit: name, shape: [found.length] });
}
