/**
 * Learning rates over time: factors by which the optimizer's rate is multiplied, as functions of the step, which counts from 1. All begin with a
 * warm-up, a line from 0 to 1 over `warmup` steps. Rounded to float32, so that a run has the same rates in every runtime.
 */
import { HeedError } from '../errors.js';
import { cos } from '../math.js';

/** The factor at a step, counted from 1. */
export type Schedule = (step: number) => number;

export interface ScheduleOptions {
  /** Steps until the full rate. Default 0. */
  warmup?: number;
  /** Steps until the end, for those that come to one. */
  steps?: number;
  /** Steps at the end over which `stable` goes down. Default 0. */
  cooldown?: number;
}

type Shape = (step: number, options: Required<ScheduleOptions>) => number;

/** From 0 at the end of the warm-up to 1 at the last step. */
const progress = (step: number, { warmup, steps }: Required<ScheduleOptions>): number =>
  Math.min(1, Math.max(0, step - warmup) / Math.max(1, steps - warmup));

const shapes = {
  constant: () => 1,
  linear: (step, options) => 1 - progress(step, options),
  /** Loshchilov & Hutter, arXiv 1608.03983, eq. 5, without restarts. */
  cosine: (step, options) => (1 + cos(Math.PI * progress(step, options))) / 2,
  /** Vaswani et al. 2017, §5.3, with its peak scaled to 1. */
  inverseSquareRoot: (step, { warmup }) => Math.sqrt(Math.max(1, warmup) / Math.max(step, warmup, 1)),
  /** The full rate, then a line to 0 (Hu et al. 2024, arXiv 2404.06395, §4): how many steps there are may be settled late. */
  stable: (step, { steps, cooldown }) => Math.min(1, Math.max(0, steps - step) / Math.max(1, cooldown)),
} satisfies Record<string, Shape>;

export type ScheduleName = keyof typeof shapes;

/** @example schedule('cosine', { warmup: 400, steps: 4000 }) */
export function schedule(
  name: ScheduleName,
  { warmup = 0, steps = Number.POSITIVE_INFINITY, cooldown = 0 }: ScheduleOptions = {},
): Schedule {
  if (!Object.hasOwn(shapes, name))
    throw new HeedError('ARGUMENT', `There is no schedule ${String(name)}`, {
      culprit: 'schedule',
      cure: `Use ${Object.keys(shapes).join(', ')}`,
    });
  if ((name === 'linear' || name === 'cosine') && !(steps > warmup && Number.isSafeInteger(steps)))
    throw new HeedError('ARGUMENT', `${name} needs the number of steps, above warmup`, { culprit: 'steps' });
  const shape = shapes[name];
  return (step) => Math.fround(Math.min(warmup > 0 ? step / warmup : 1, shape(step, { warmup, steps, cooldown })));
}
