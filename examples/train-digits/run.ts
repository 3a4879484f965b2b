/** The two runs from their beginning: data, model, optimizer, and the trainer that holds them. Node (main.ts) and the page (worker.ts) drive them. */
import type { Engine } from 'heed';
import type { Module } from 'heed/nn';
import { AdamW, DataLoader, type Objective, schedule, Trainer } from 'heed/train';
import { type Digit, split } from './data.js';
import { DigitDrawer } from './drawer.js';
import { drawing, reading } from './objectives.js';
import { DigitReader } from './reader.js';

export interface RunOptions {
  seed?: number | undefined;
  /** Steps of the run. Default 1,400 to read, 2,500 to draw. */
  steps?: number | undefined;
}

export interface Run<Model extends Module> {
  trainer: Trainer<Model, readonly Digit[]>;
  model: Model;
  steps: number;
}

function makeRun<Model extends Module>(
  model: Model,
  objective: Objective<Model, readonly Digit[]>,
  digits: readonly Digit[],
  { batchSize, lr, steps, seed }: { batchSize: number; lr: number; steps: number; seed: number },
): Run<Model> {
  const { seen, unseen } = split(digits);
  const loader = new DataLoader(seen, { batchSize, shuffle: true, seed });
  const validation = new DataLoader(unseen, { batchSize: 90 });
  model.init(seed);
  const optimizer = new AdamW(model.namedParameters(), { lr, betas: [0.9, 0.98], weightDecay: 0.05 });
  const rate = schedule('cosine', { warmup: Math.floor(steps / 12), steps });
  return { model, steps, trainer: new Trainer(model, { objective, optimizer, loader, validation, seed, clip: 1, schedule: rate }) };
}

export const makeReading = (engine: Engine, digits: readonly Digit[], { seed = 1, steps = 1400 }: RunOptions = {}): Run<DigitReader> =>
  makeRun(new DigitReader(engine), reading, digits, { batchSize: 64, lr: 3e-3, steps, seed });

export const makeDrawing = (engine: Engine, digits: readonly Digit[], { seed = 1, steps = 2500 }: RunOptions = {}): Run<DigitDrawer> =>
  makeRun(new DigitDrawer(engine), drawing, digits, { batchSize: 24, lr: 3e-3, steps, seed });
