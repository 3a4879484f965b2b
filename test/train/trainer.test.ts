/** The Trainer: the loop by hand and its own are one, evaluation is exact, and runs that stop go on with the same bits. */
import { describe, expect, it } from 'vitest';
import { tensor } from '../../dist/entry/node.js';
import { crossEntropy, valueAndGrad } from '../../dist/ops/index.js';
import {
  DataLoader,
  type FitOptions,
  schedule,
  type TrainingProgress,
  type TrainingRecord,
  TranslationDataset,
} from '../../dist/train/index.js';
import { failureOf } from '../io/memory.js';
import { make, temporary } from './made.js';
import { examples, loaderOf, PAD } from './tiny.js';

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
        model.train({ seed: 3, step: byHand.length + 1 });
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

describe('fit', () => {
  it('tells of each step, and records the mean over targets since the last record', async () => {
    const { trainer } = await make({ validation: loaderOf(examples(10, 2)) });
    const steps: TrainingProgress[] = [];
    const records: TrainingRecord[] = [];
    await trainer.fit({ epochs: 2, logEvery: 3, onProgress: (step) => steps.push(step), onLog: (record) => records.push(record) });
    // 13 batches, two for a step: 7 steps an epoch; an evaluation after each.
    expect(steps.map(({ step, steps, epoch }) => [step, steps, epoch])).toEqual(
      Array.from({ length: 14 }, (_, i) => [i + 1, 14, Math.floor(i / 7)]),
    );
    expect(records.map(({ step, validation }) => [step, validation !== undefined])).toEqual([
      ...[
        [3, false],
        [6, false],
        [7, true],
      ],
      ...[
        [9, false],
        [12, false],
        [14, true],
      ],
    ]);
    const mean = (from: number, to: number) => {
      const some = steps.slice(from, to);
      return some.reduce((sum, { loss, targets }) => sum + loss * targets, 0) / some.reduce((sum, { targets }) => sum + targets, 0);
    };
    expect(records.map(({ loss }) => loss)).toEqual(
      [mean(0, 3), mean(3, 6), mean(6, 7), mean(7, 9), mean(9, 12), mean(12, 14)].map((x) => expect.closeTo(x, 10)),
    );
    for (const { step, rate, norm, stepsPerSecond, tokensPerSecond } of steps) {
      // The first step of a warm-up has none.
      if (step === 1) expect(rate).toBe(0);
      else expect(rate).toBeGreaterThan(0);
      expect(rate).toBeLessThanOrEqual(3e-3);
      expect(norm).toBeGreaterThan(0);
      expect(stepsPerSecond).toBeGreaterThan(0);
      expect(tokensPerSecond).toBeGreaterThan(stepsPerSecond);
    }
  });

  it('leaves the event loop and other work on the engine their turns', async () => {
    const { trainer, engine } = await make();
    const order: string[] = [];
    let fitting = true;
    const fit = trainer.fit({ steps: 10, onProgress: ({ step }) => order.push(`step ${step}`) }).then(() => {
      fitting = false;
    });
    for (let i = 0; fitting && i < 3; i++)
      await engine.run(function* () {
        yield order.push('other');
      });
    await fit;
    expect(order.indexOf('other')).toBeLessThan(order.indexOf('step 10'));
    expect(order.filter((name) => name === 'other')).toHaveLength(3);
  });

  it('ends between two steps when it is aborted, and goes on as if nothing had happened', async () => {
    const whole = await make();
    await whole.trainer.fit({ steps: 12 });
    const { trainer, bits } = await make();
    const folder = await temporary();
    const controller = new AbortController();
    const stop = trainer.fit({
      ...{ steps: 12, signal: controller.signal, checkpoint: { folder } },
      onProgress: ({ step }) => step === 5 && controller.abort(new Error('enough')),
    });
    await expect(stop).rejects.toThrow('enough');
    expect(trainer.position.step).toBe(5);
    const other = await make();
    expect(await other.trainer.resume(folder)).toBe(true);
    for (const run of [{ trainer, bits }, other]) {
      await run.trainer.fit({ steps: 12 });
      expect(run.bits()).toEqual(whole.bits());
    }
  });

  it('takes one thing at a time', async () => {
    const { trainer } = await make();
    const fit = trainer.fit({ steps: 3 });
    expect(await failureOf(() => trainer.fit({ steps: 3 }))).toMatchObject({ code: 'ARGUMENT' });
    expect(await failureOf(() => trainer.save())).toMatchObject({ code: 'ARGUMENT' });
    await fit;
  });

  it.each([
    ['neither steps nor epochs', {}, 'steps'],
    ['both', { steps: 1, epochs: 1 }, 'steps'],
    ['half a step', { steps: 0.5 }, 'steps'],
    ['nothing to evaluate with', { steps: 1, evaluateEvery: 1 }, 'validation'],
    ['no patience', { steps: 1, earlyStopping: { patience: 0 } }, 'earlyStopping.patience'],
    ['no folder', { steps: 1, checkpoint: { folder: '' } }, 'checkpoint.folder'],
    ['an option that there is not', { steps: 1, progressBar: true }, 'progressBar'],
  ])('refuses %s', async (_, options, culprit) => {
    expect(await failureOf(async () => (await make()).trainer.fit(options as FitOptions))).toMatchObject({ culprit });
  });

  it('takes a stream of which nobody knows the length, and goes on within', async () => {
    const data = examples(50);
    const stream = async function* () {
      yield* data;
    };
    const loader = () =>
      new DataLoader(stream, { batchSize: 8, shuffle: true, shuffleBuffer: 20, collate: TranslationDataset.collate(PAD) });
    const whole = await make({ loader: loader() });
    const epochs: number[] = [];
    await whole.trainer.fit({ epochs: 3, onProgress: ({ epoch }) => epochs.push(epoch) });
    expect(epochs).toEqual([0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]);
    const half = await make({ loader: loader() });
    await half.trainer.fit({ steps: 6 });
    const rest = await make({ loader: loader() });
    await rest.trainer.load(await half.trainer.save());
    await rest.trainer.fit({ epochs: 3 });
    expect(rest.bits()).toEqual(whole.bits());
  });

  it('trains an epoch at a time as well', async () => {
    const whole = await make();
    const losses: TrainingRecord[] = [];
    await whole.trainer.fit({ epochs: 2, onLog: (record) => losses.push(record) });
    const { trainer, bits } = await make();
    expect([await trainer.trainEpoch(), await trainer.trainEpoch()]).toEqual(losses.map(({ loss }) => expect.closeTo(loss, 10)));
    expect(bits()).toEqual(whole.bits());
  });
});

describe('memory', () => {
  it.each([
    [0, 8],
    [0.1, 64],
  ])('of a step is told before it (dropout %d, batches of %d)', async (dropout, batchSize) => {
    const batches = () => new DataLoader(examples(100), { batchSize, collate: TranslationDataset.collate(PAD) });
    const { engine, trainer } = await make({ dropout, accumulate: 1, loader: batches() });
    const peaks: number[] = [];
    for await (const batch of batches().epoch(0)) peaks.push((await trainer.memory(batch)).peak);
    expect(engine.memory().peak).toBeLessThan(Math.min(...peaks) / 2);
    // The first step takes as much as all others, but for room that kernels only then begin to keep.
    await trainer.fit({ steps: 1 });
    expect(engine.memory().peak / (peaks[0] as number)).toBeCloseTo(1, 1);
    await trainer.fit({ epochs: 2 });
    expect(engine.memory().peak).toBe(Math.max(...peaks));
    const told = await trainer.memory();
    expect(told.parameters + told.gradients + told.moments + told.activations).toBe(told.peak);
  });

  it('does not grow in 2,000 steps', async () => {
    const { engine, trainer } = await make({ count: 32, batchSize: 4, accumulate: 1 });
    const use: [number, number, number][] = [];
    for (const steps of [100, 1000, 2000]) {
      await trainer.fit({ steps });
      const { used, size, storages } = engine.memory();
      use.push([used, size, storages]);
    }
    expect(use[1]).toEqual(use[0]);
    expect(use[2]).toEqual(use[0]);
  }, 60_000);
});
