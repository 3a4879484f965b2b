/** Convolutions that samples of a sound go through, one after the other, and how many states they make. */
import { HeedError } from '../errors.js';

/** One convolution: how many channels it makes, of how many steps, and how far apart. */
export interface Wave {
  channels: number;
  kernel: number;
  stride: number;
}

/** States that so many samples become; below 1 there are too few. */
export const statesOf = (samples: number, waves: readonly Wave[]): number =>
  waves.reduce((L, { kernel, stride }) => Math.floor((L - kernel) / stride) + 1, samples);

/** The fewest samples that become so many states. */
export const samplesOf = (states: number, waves: readonly Wave[]): number =>
  waves.reduceRight((L, { kernel, stride }) => (L - 1) * stride + kernel, states);

/** Samples from one state to the next. */
export const strideOf = (waves: readonly Wave[]): number => waves.reduce((all, { stride }) => all * stride, 1);

/** States that a sound of so many samples becomes. Throws ARGUMENT for too few of them. */
export function heardStates(samples: number, waves: readonly Wave[]): number {
  const states = statesOf(samples, waves);
  if (states >= 1) return states;
  throw new HeedError('ARGUMENT', `A sound has ${samples} samples, and the model hears ${samplesOf(1, waves)} at once`, {
    culprit: 'input_values',
    cure: 'Give more of it, or silence behind it',
  });
}
