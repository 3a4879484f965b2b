/** Evaluation by the Trainer: exact, by what the model says itself where that is asked for, and a reason to stop. */
import { describe, expect, it } from 'vitest';
import { tensor } from '../../dist/entry/node.js';
import { type Decoding, sequenceToSequence, type TrainingRecord, type TranslationBatch } from '../../dist/train/index.js';
import { failureOf } from '../io/memory.js';
import { make, temporary } from './made.js';
import { examples, loaderOf, PAD } from './tiny.js';

describe('evaluate', () => {
  it('gives the mean cross entropy per target, without smoothing and padding, and the share of arg maxes that are right', async () => {
    const { engine, model, trainer } = await make({ validation: loaderOf(examples(30, 2), 7) });
    await trainer.fit({ steps: 20 });
    const found = await trainer.evaluate();
    let [loss, right, count] = [0, 0, 0];
    for (const { source, target } of examples(30, 2)) {
      const ids = (row: Int32Array) => tensor(engine, row, [1, row.length]);
      const [rows] = engine.scope(() =>
        model
          .forward(ids(source), ids(target.slice(0, -1)), [source.length])
          .toHost()
          .tolist(),
      ) as number[][][];
      rows?.forEach((row, t) => {
        const label = target[t + 1] as number;
        const largest = Math.max(...row);
        loss += largest + Math.log(row.reduce((sum, x) => sum + Math.exp(x - largest), 0)) - (row[label] as number);
        right += Number(row.indexOf(largest) === label);
        count++;
      });
    }
    expect(found.loss).toBeCloseTo(loss / count, 5);
    expect(found.perplexity).toBeCloseTo(Math.exp(loss / count), 3);
    expect(found.accuracy).toBe(right / count);
  });

  it('scores what the model says by itself, where the objective can decode', async () => {
    const letters = (row: Int32Array) => Array.from(row, (id) => String.fromCharCode(97 + id)).join(' ');
    const decoding: Decoding<unknown, TranslationBatch> = {
      translate: async (_, { labels: { ids, lengths } }) => {
        // Says all of the labels, but for the first batch's last word.
        return Array.from(lengths, (length, row) => letters(ids.data.slice(row * (ids.dims[1] as number)).slice(0, length - 1)));
      },
      references: ({ labels: { ids, lengths } }) =>
        Array.from(lengths, (length, row) => letters(ids.data.slice(row * (ids.dims[1] as number)).slice(0, length))),
      tokenize: 'none',
    };
    const validation = loaderOf(examples(30, 2), 7);
    const { trainer } = await make({ objective: sequenceToSequence({ pad: PAD, decoding }), validation });
    const { bleu: score, chrf: letterScore, loss } = await trainer.evaluate({ decode: true });
    expect(score).toBeGreaterThan(50);
    expect(score).toBeLessThan(90);
    expect(letterScore).toBeGreaterThan(50);
    expect(loss).toBeGreaterThan(0);
    expect(await trainer.evaluate()).not.toHaveProperty('bleu');
    expect(await failureOf(async () => (await make({ validation })).trainer.evaluate({ decode: true }))).toMatchObject({
      code: 'UNSUPPORTED',
    });
  });

  it('stops when the model gets no better, and keeps the best', async () => {
    const folder = await temporary();
    const { trainer, bits } = await make({
      validation: loaderOf(examples(20, 2)),
      schedule: (step) => (step > 30 ? 40 : 1),
      clip: undefined,
    });
    const records: TrainingRecord[] = [];
    const bitsAt = new Map<number, unknown>();
    const result = await trainer.fit({
      ...{ steps: 500, evaluateEvery: 10, earlyStopping: { patience: 2 }, checkpoint: { folder } },
      onLog: (record) => {
        records.push(record);
        bitsAt.set(record.step, bits());
      },
    });
    const losses = records.map(({ validation }) => validation?.loss as number);
    const best = losses.indexOf(Math.min(...losses));
    expect(result).toMatchObject({ reason: 'patience', best: { value: losses[best], step: records[best]?.step } });
    expect(records.length).toBe(best + 3);
    const again = await make();
    expect(await again.trainer.resume(folder, { best: true })).toBe(true);
    expect(again.trainer.position.step).toBe(result.best?.step);
    expect(again.bits()).toEqual(bitsAt.get(result.best?.step as number));
  });
});
