/** What the two models are trained for. Pictures are moved by up to a pixel in training, another way each time they come. */
import { tensor } from 'heed/ops';
import { type Metrics, type Objective, prediction, predictionMetrics, type Random, type Sums } from 'heed/train';
import { type Digit, moved, PIXELS } from './data.js';
import { type DigitDrawer, tokensOf } from './drawer.js';
import { type DigitReader, inkOf } from './reader.js';

type Batch = readonly Digit[];
const NONE = -100;

const shift = (random: Random) => random.below(3) - 1;
const moving = (batch: Batch, random: Random): Uint8Array[] => batch.map(({ pixels }) => moved(pixels, shift(random), shift(random)));

/** Reading: cross entropy of the digit; `accuracy` is the share of pictures that are read right. */
export const reading: Objective<DigitReader, Batch> = {
  prepare(model, batch, random) {
    const { engine } = model;
    const pictures = moving(batch, random);
    const exercise = (of: readonly Uint8Array[]) =>
      prediction(engine, {
        labels: { data: Int32Array.from(batch, ({ label }) => label), dims: [batch.length] },
        ...{ ignoreIndex: NONE, labelSmoothing: 0.1, tokens: batch.length },
        logits: () => model.forward(inkOf(engine, of)),
      });
    // An evaluation reads pictures as they are.
    return { ...exercise(pictures), sums: exercise(batch.map(({ pixels }) => pixels)).sums };
  },
  metrics: predictionMetrics,
};

/** Drawing: cross entropy of each pixel; `bits` is what a pixel takes on average, given those before it. */
export const drawing: Objective<DigitDrawer, Batch> = {
  prepare(model, batch, random) {
    const { engine } = model;
    const exercise = (of: readonly Uint8Array[]) =>
      prediction(engine, {
        labels: { data: Int32Array.from(of.flatMap((pixels) => [...pixels])), dims: [batch.length, PIXELS] },
        ...{ ignoreIndex: NONE, tokens: batch.length * PIXELS },
        logits: () => {
          const rows = batch.map(({ label }, i) => tokensOf(label, of[i]).slice(0, PIXELS));
          return model.forward(tensor(engine, rows, undefined, 'int32'));
        },
      });
    const as = batch.map(({ pixels }) => pixels);
    return { ...exercise(moving(batch, random)), sums: exercise(as).sums };
  },
  metrics: (sums: Sums): Metrics => {
    const metrics = predictionMetrics(sums);
    return { ...metrics, bits: (metrics.loss as number) / Math.LN2 };
  },
};
