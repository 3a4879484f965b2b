/** The Trainer: the loop by hand and its own are one, evaluation is exact, and runs that stop go on with the same bits. */
import { afterEach, describe, expect, it } from 'vitest';
import { createEngine, type Engine, HeedError, tensor } from '../../dist/entry/node.js';
import { crossEntropy, valueAndGrad } from '../../dist/ops/index.js';
import { DataLoader, schedule, type TrainingProgress, type TrainingRecord, TranslationDataset } from '../../dist/train/index.js';
import { examples, loaderOf, PAD, type TinyOptions, tiny } from './tiny.js';

const engines: Engine[] = [];
const make = async (options: TinyOptions = {}) => {
  const made = await tiny(options);
  engines.push(made.engine);
  return made;
};
afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.dispose();
});

const failureOf = async (run: () => Promise<unknown>): Promise<HeedError> => {
  const error = await run().then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(HeedError);
  return error as HeedError;
};

describe('steps', () => {
  it('are those of the loop by hand, bit for bit', async () => {
    const { trainer, bits } = await make({ accumulate: 1, dropout: 0.1 });
    const losses: number[] = [];
    await trainer.fit({ epochs: 2, onProgress: ({ loss }) => losses.push(loss) });

    const { engine, model, optimizer, bits: others } = await make();
    const rate = schedule('cosine', { warmup: 5, steps: 60 });
    const byHand: number[] = [];
    for (const epoch of [0, 1])
      for await (const { source, input, labels } of loaderOf(examples(100)).epoch(epoch)) {
        model.train({ seed: 3, step: byHand.length });
        const ids = ({ ids: { data, dims } }: typeof source) => tensor(engine, data, dims);
        byHand.push(
          valueAndGrad(engine, () =>
            crossEntropy(model.forward(ids(source), ids(input), [...source.lengths]), ids(labels), {
              ignoreIndex: PAD,
              labelSmoothing: 0.1,
            }),
          ),
        );
        optimizer.step({ factor: rate(byHand.length), clip: 1 });
        optimizer.zeroGrad();
      }
    expect(losses).toEqual(byHand);
    expect(bits()).toEqual(others());
  });

  it('of several batches are as those of one large one', async () => {
    const data = examples(64);
    const loader = (batchSize: number) => new DataLoader(data, { batchSize, collate: TranslationDataset.collate(PAD) });
    const runs = [
      await make({ dropout: 0, accumulate: 4, loader: loader(8) }),
      await make({ dropout: 0, accumulate: 1, loader: loader(32) }),
    ];
    const [several, one] = await Promise.all(
      runs.map(async ({ trainer }) => {
        const steps: TrainingProgress[] = [];
        await trainer.fit({ epochs: 3, onProgress: (progress) => steps.push(progress) });
        return steps;
      }),
    );
    expect(several).toHaveLength(6);
    several?.forEach(({ loss, norm, targets, tokens }, i) => {
      expect(loss).toBeCloseTo(one?.[i]?.loss as number, 4);
      expect(norm).toBeCloseTo(one?.[i]?.norm as number, 4);
      expect([targets, tokens]).toEqual([one?.[i]?.targets, one?.[i]?.tokens]);
    });
  });

  it('learn', async () => {
    const { trainer } = await make({
      count: 400,
      accumulate: 1,
      dropout: 0,
      validation: loaderOf(examples(50, 2)),
      schedule: () => 1,
      lr: 1e-2,
    });
    const before = await trainer.evaluate();
    const { validation } = await trainer.fit({ steps: 300 });
    expect(before.accuracy).toBeLessThan(0.3);
    expect(validation?.accuracy).toBeGreaterThan(0.6);
    expect(validation?.loss).toBeLessThan((before.loss as number) / 2);
  });
});

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
});

describe('a run that stops', () => {
  it('goes on from bytes with the same bits, at every step', async () => {
    const whole = await make();
    await whole.trainer.fit({ steps: 20 });
    const half = await make();
    let bytes = await half.trainer.save();
    for (const step of [3, 7, 12, 20]) {
      const next = await make();
      await next.trainer.load(bytes);
      await next.trainer.fit({ steps: step });
      bytes = await next.trainer.save();
      expect(next.trainer.position.step).toBe(step);
      if (step === 20) expect(next.bits()).toEqual(whole.bits());
    }
    expect(bytes).toEqual(await whole.trainer.save());
  });
});
