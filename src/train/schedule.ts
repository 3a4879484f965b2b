/**
 * Learning rates over time: factors by which the optimizer's rate is multiplied, as functions of the step, which counts from 1. The rates are those of transformers'
 * get_…_schedule_with_warmup, whose step k has the factor at k − 1: the first step of a warm-up has 0, and the last of a run is above 0, which comes after it. Rounded to
 * float32, so that a run has the same rates in every runtime.
 */
import { checkOptions, HeedError, kindOf } from '../errors.js';
import { cos } from '../math.js';

/** Factor of the learning rate at a step, counted from 1. */
export type Schedule = (step: number) => number;

/** Options of schedule. */
export interface ScheduleOptions {
  /** Steps in which the rate rises in a line from 0. Default 0. */
  warmup?: number | undefined;
  /** Number of steps of the whole run, for schedules that end. */
  steps?: number | undefined;
  /** Number of steps at the end over which `stable` falls. Default 0. */
  cooldown?: number | undefined;
}

/** Factor after `done` steps, at least as many as the warm-up. */
type Shape = (done: number, options: Required<{ [key in keyof ScheduleOptions]: number }>) => number;

/** Progress from 0 at the end of the warm-up to 1 after all steps. */
const progress: Shape = (done, { warmup, steps }) => Math.min(1, Math.max(0, done - warmup) / Math.max(1, steps - warmup));

/** Steps in which an inverse square root without a warm-up falls to 1 / √2, as in transformers. */
const TIMESCALE = 10_000;

const shapes = {
  constant: () => 1,
  linear: (done, options) => 1 - progress(done, options),
  /** Loshchilov & Hutter, arXiv 1608.03983, eq. 5, without restarts. */
  cosine: (done, options) => (1 + cos(Math.PI * progress(done, options))) / 2,
  /** Vaswani et al. 2017, §5.3, with its peak scaled to 1. */
  inverseSquareRoot: (done, { warmup }) => {
    const scale = warmup || TIMESCALE;
    return Math.sqrt(scale / (done + scale - warmup));
  },
  /** The full rate, then a line to 0 (Hu et al. 2024, arXiv 2404.06395, §4): how many steps there are may be settled late. */
  stable: (done, { steps, cooldown }) => (cooldown ? Math.min(1, Math.max(0, steps - done) / cooldown) : 1),
} satisfies Record<string, Shape>;

/**
 * A schedule's name: 'constant', 'linear', 'cosine' to 0, 'inverseSquareRoot' (Vaswani et al. 2017), or 'stable' with a cooldown; each
 * after a warm-up.
 */
export type ScheduleName = keyof typeof shapes;

/**
 * Factors of a learning rate, by the schedule's name. Throws ARGUMENT for one that there is not, and for numbers of steps that make no sense.
 * @example schedule('cosine', { warmup: 400, steps: 4000 })
 */
export function schedule(name: ScheduleName, options: ScheduleOptions = {}): Schedule {
  checkOptions(options, ['warmup', 'steps', 'cooldown'], 'schedule');
  const { warmup = 0, steps = Number.POSITIVE_INFINITY, cooldown = 0 } = options;
  if (!Object.hasOwn(shapes, name))
    throw new HeedError('ARGUMENT', `There is no schedule ${String(name)}`, {
      culprit: 'schedule',
      cure: `Use ${Object.keys(shapes).join(', ')}`,
    });
  if (!(typeof warmup === 'number' && warmup >= 0 && warmup < Number.POSITIVE_INFINITY))
    throw new HeedError('ARGUMENT', `schedule: warmup is ${kindOf(warmup)}`, {
      culprit: 'warmup',
      cure: 'It is a number of steps, from 0',
    });
  if (
    !(
      Number.isSafeInteger(cooldown) &&
      cooldown >= 0 &&
      (cooldown === 0 || (name === 'stable' && steps >= warmup + cooldown && Number.isSafeInteger(steps)))
    )
  )
    throw new HeedError('ARGUMENT', `schedule: cooldown is ${kindOf(cooldown)}`, {
      culprit: 'cooldown',
      cure: 'It is a number of steps of a stable schedule, behind its warmup',
    });
  if ((name === 'linear' || name === 'cosine') && !(steps > warmup && Number.isSafeInteger(steps)))
    throw new HeedError('ARGUMENT', `${name} needs the number of steps, above warmup`, { culprit: 'steps' });
  const shape = shapes[name];
  return (step) => {
    const done = step - 1;
    return Math.fround(done < warmup ? done / warmup : shape(done, { warmup, steps, cooldown }));
  };
}
