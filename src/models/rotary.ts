/** Rotary positions in configs: transformers 5 has `rope_parameters`, transformers 4 `rope_theta` and `rope_scaling`. */
import type { JsonNode } from '../io/json.js';
import type { RotaryMaker } from '../nn/attention.js';
import { RotaryPositions, type RotaryPositionsOptions, type RotaryScaling } from '../nn/rotary_positions.js';
import { rotaryScalings } from '../nn/rotary_scalings.js';
import { numberIn, sizeIn, unsupported } from './config.js';

/** Defaults of rotary positions, and their keys in configs. */
interface RotaryAbsent {
  /** Base of the wavelengths. Default 10000. */
  base?: number;
  /** Share of each head's channels that are rotated. Default 1. */
  share?: number;
  /** `true` for pairs of neighbouring channels. Default false. */
  interleaved?: boolean;
  /** Type of layers, for transformers 5, which has parameters for each type. */
  type?: 'full_attention' | 'sliding_attention';
  /** What queries are multiplied by, beside the turn. */
  queryScale?: RotaryPositionsOptions['queryScale'];
  /** Keys of transformers 4. Default rope_theta and rope_scaling. */
  keys?: readonly [base: string, scaling?: string];
}

/** Maker of rotary positions by a config, for texts of at most so many tokens. Throws UNSUPPORTED for a scaling that heed does not have. */
export function rotaryOf(c: JsonNode, positions: number, absent: RotaryAbsent = {}): RotaryMaker {
  const { base: theta = 10_000, share: part = 1, interleaved = false, type, queryScale, keys = ['rope_theta', 'rope_scaling'] } = absent;
  const all = objectIn(c, 'rope_parameters');
  const rope = type && all ? objectIn(all, type) : (all ?? (keys[1] ? objectIn(c, keys[1]) : undefined));
  const base = numberOf(rope, 'rope_theta') ?? numberIn(c, keys[0], theta);
  const share = numberOf(rope, 'partial_rotary_factor') ?? numberIn(c, 'partial_rotary_factor', part);
  const scaling = rope && scalingOf(c, rope, positions);
  return (engine, D) => new RotaryPositions(engine, D, { base, share, interleaved, scaling, queryScale });
}

const objectIn = (c: JsonNode, key: string): JsonNode | undefined => (c.get(key) === undefined ? undefined : c.object(key));
const numberOf = (c: JsonNode | undefined, key: string): number | undefined =>
  c?.get(key) === undefined ? undefined : numberIn(c, key, 0);

function scalingOf(c: JsonNode, rope: JsonNode, positions: number): RotaryScaling | undefined {
  const named = rope.string('rope_type', rope.string('type', 'default'));
  // Phi-3's former name of longrope.
  const kind = named === 'su' ? 'longrope' : named;
  if (kind === 'default') return undefined;
  if (!Object.hasOwn(rotaryScalings, kind)) throw unsupported(c, 'rope_type', `rotary positions with ${JSON.stringify(kind)}`);
  const old = 'original_max_position_embeddings';
  const originalMaxPositions = sizeIn(rope.get(old) === undefined ? c : rope, old, positions);
  const factors = (key: string) => rope.array(key, undefined)?.map(Number);
  return rotaryScalings[kind as keyof typeof rotaryScalings]({
    ...{ factor: numberOf(rope, 'factor') ?? positions / originalMaxPositions, maxPositions: positions, originalMaxPositions },
    ...{ attentionFactor: numberOf(rope, 'attention_factor'), truncate: rope.boolean('truncate', true) },
    ...{ lowFreqFactor: numberOf(rope, 'low_freq_factor'), highFreqFactor: numberOf(rope, 'high_freq_factor') },
    ...{ betaFast: numberOf(rope, 'beta_fast'), betaSlow: numberOf(rope, 'beta_slow') },
    ...{ mscale: numberOf(rope, 'mscale'), mscaleAllDim: numberOf(rope, 'mscale_all_dim') },
    ...{ shortFactor: factors('short_factor'), longFactor: factors('long_factor') },
  });
}
