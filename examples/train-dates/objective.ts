/** Sequence to sequence, with one more metric: `exact`, the share of dates whose every character is right, when all before it were. */
import { predictionSums, tensor } from 'heed/ops';
import { type Objective, type Padded, predictionMetrics, sequenceToSequence, type TranslationBatch } from 'heed/train';
import { PAD } from './characters.js';
import { type DateReader, likeliest } from './model.js';

const learning = sequenceToSequence<DateReader>({ pad: PAD });

export const exactDates: Objective<DateReader, TranslationBatch> = {
  prepare(model, batch, random) {
    const { engine } = model;
    const ids = ({ ids }: Padded) => tensor(engine, ids.data, ids.dims);
    // The model is told the right characters so far. Where each next one is its likeliest, greedy decoding says the same, and where one is not, it does not.
    const sums = () =>
      engine.scope(() => {
        const logits = model.forward(ids(batch.source), ids(batch.input), [...batch.source.lengths]);
        const labels = ids(batch.labels).toHost().tolist() as number[][];
        const exact = likeliest(logits).filter((row, i) => row.join() === labels[i]?.join()).length;
        return { ...predictionSums(logits, ids(batch.labels), { ignoreIndex: PAD }), exact, dates: labels.length };
      });
    return { ...learning.prepare(model, batch, random), sums };
  },
  metrics: (sums) => ({ ...predictionMetrics(sums), exact: (sums.exact ?? 0) / (sums.dates ?? 0) }),
};
