/** heed/train: what learning takes beside heed/nn and heed/ops: optimizers, schedules, data, a tokenizer's trainer, metrics. */
export { trainBpe } from '../text/train_bpe.js';
export * from './data/index.js';
export * from './metrics/index.js';
export {
  Adam,
  type AdamOptions,
  AdamW,
  type Group,
  type Named,
  type OptimizerState,
  SGD,
  type SgdOptions,
  type StepOptions,
} from './optimizer.js';
export { type Schedule, type ScheduleName, type ScheduleOptions, schedule } from './schedule.js';
