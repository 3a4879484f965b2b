/**
 * Frequencies of rotary positions for texts longer than those of pretraining, with the names and formulas of transformers' modeling_rope_utils. Bundles without
 * scalings do not import this file.
 */
import { log, pow } from '../math.js';
import { rotaryAngles } from '../ops/rotary.js';
import type { RotaryScaling } from './rotary_positions.js';

/** Fields of a config's rope_parameters that scalings read, in camelCase. */
export interface ScalingParameters {
  /** Ratio of the longest text to the longest text of pretraining. */
  factor: number;
  /** The most tokens of a text. */
  maxPositions: number;
  /** The most tokens of a text in pretraining. */
  originalMaxPositions: number;
  /** Factor of cosines and sines, where it does not follow from `factor` (yarn, longrope). */
  attentionFactor?: number | undefined;
  /** Turns within a text of pretraining (llama3) below which a pair's frequency is divided by the factor. Default 1. */
  lowFreqFactor?: number | undefined;
  /** Turns within a text of pretraining (llama3) above which a pair's frequency is unchanged. Default 4. */
  highFreqFactor?: number | undefined;
  /** Turns within a text of pretraining (yarn) above which a pair's frequency is unchanged. Default 32. */
  betaFast?: number | undefined;
  /** Turns within a text of pretraining (yarn) below which a pair's frequency is divided by the factor. Default 1. */
  betaSlow?: number | undefined;
  /** Weight of log(factor) in the factor of cosines and sines (yarn). */
  mscale?: number | undefined;
  /** Weight of log(factor) in the divisor of the factor of cosines and sines (yarn). */
  mscaleAllDim?: number | undefined;
  /** `true` where yarn's ramp begins and ends at whole pairs. Default true. */
  truncate?: boolean | undefined;
  /** Factor of each pair's wavelength (longrope) in texts no longer than those of pretraining. */
  shortFactor?: readonly number[] | undefined;
  /** Factor of each pair's wavelength (longrope) in texts longer than those of pretraining. */
  longFactor?: readonly number[] | undefined;
}

const clamp = (x: number): number => Math.min(1, Math.max(0, x));

/** Positions are divided by the factor (Chen et al., arXiv 2306.15595). */
const linear =
  ({ factor }: ScalingParameters): RotaryScaling =>
  (R, base) => ({ angles: rotaryAngles(R, base).map((angle) => angle / factor) });

/** The base grows with a text that is longer than those of pretraining ("NTK-aware", Peng et al., arXiv 2309.00071, §3.1). */
const dynamic =
  ({ factor, maxPositions }: ScalingParameters): RotaryScaling =>
  (R, base, T) => {
    const growth = (factor * Math.max(T, maxPositions)) / maxPositions - (factor - 1);
    return { angles: rotaryAngles(R, base * pow(growth, R / (R - 2))) };
  };

/** Factor of cosines and sines of YaRN, with a weight of its logarithm. */
export const yarnScale = (factor: number, weight = 1): number => (factor <= 1 ? 1 : 0.1 * weight * log(factor) + 1);

/** YaRN (Peng et al., arXiv 2309.00071, §3.2 to 3.4): slow pairs are divided by the factor, fast ones stay, with a ramp between. */
const yarn =
  (p: ScalingParameters): RotaryScaling =>
  (R, base) => {
    const { factor, originalMaxPositions, betaFast = 32, betaSlow = 1, mscale, mscaleAllDim, truncate = true } = p;
    /** The pair that turns so many times within a text of pretraining. */
    const pairOf = (turns: number) => (R * log(originalMaxPositions / (turns * 2 * Math.PI))) / (2 * log(base));
    const [fast, slow] = [pairOf(betaFast), pairOf(betaSlow)];
    const low = Math.max(0, truncate ? Math.floor(fast) : fast);
    const high = Math.min(R - 1, truncate ? Math.ceil(slow) : slow);
    const width = high === low ? 0.001 : high - low;
    const own = mscale && mscaleAllDim ? yarnScale(factor, mscale) / yarnScale(factor, mscaleAllDim) : yarnScale(factor);
    const angles = rotaryAngles(R, base).map((angle, i) => {
      const ramp = clamp((i - low) / width);
      return (angle / factor) * ramp + angle * (1 - ramp);
    });
    return { angles, factor: p.attentionFactor ?? own };
  };

/** Llama 3.1 (Grattafiori et al., arXiv 2407.21783): as YaRN, by wavelengths. */
const llama3 =
  ({ factor, originalMaxPositions, lowFreqFactor = 1, highFreqFactor = 4 }: ScalingParameters): RotaryScaling =>
  (R, base) => ({
    angles: rotaryAngles(R, base).map((angle) => {
      const turns = (originalMaxPositions * angle) / (2 * Math.PI);
      const smooth = clamp((turns - lowFreqFactor) / (highFreqFactor - lowFreqFactor));
      return ((1 - smooth) * angle) / factor + smooth * angle;
    }),
  });

/** LongRoPE (Ding et al., arXiv 2402.13753): each pair has a factor of its own, another one for texts that are longer than those of pretraining. */
const longrope =
  (p: ScalingParameters): RotaryScaling =>
  (R, base, T) => {
    const { factor, originalMaxPositions, shortFactor = [], longFactor = [] } = p;
    const stretch = T > originalMaxPositions ? longFactor : shortFactor;
    const own = factor <= 1 ? 1 : Math.sqrt(1 + log(factor) / log(originalMaxPositions));
    return { angles: rotaryAngles(R, base).map((angle, i) => angle / (stretch[i] ?? 1)), factor: p.attentionFactor ?? own };
  };

/** Factor of the query at position t: 1 in a text of pretraining, T tokens, and β log(n) more in the n-th of its length (Llama 4's rule, as Ministral 3 has it). */
export const growingQueries =
  (beta: number, T: number) =>
  (t: number): number =>
    1 + beta * log(1 + Math.floor(t / T));

/** Scalings by the names that configs have for them. */
export const rotaryScalings = { linear, dynamic, yarn, llama3, longrope } as const;
