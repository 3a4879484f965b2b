/** The Trainer: the loop by hand and its own are one, evaluation is exact, and runs that stop go on with the same bits. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type Engine, HeedError, tensor } from '../../dist/entry/node.js';
import type { HeedTransformer } from '../../dist/models/heed_transformer.js';
import { crossEntropy, scale, sum, type Tensor, valueAndGrad } from '../../dist/ops/index.js';
import {
  DataLoader,
  type Decoding,
  type Exercise,
  type FitOptions,
  schedule,
  sequenceToSequence,
  type TrainingProgress,
  type TrainingRecord,
  type TranslationBatch,
  TranslationDataset,
  type TranslationExample,
} from '../../dist/train/index.js';
import { examples, loaderOf, PAD, type TinyOptions, tiny } from './tiny.js';

const engines: Engine[] = [];
const make = async (options: TinyOptions = {}) => {
  const made = await tiny(options);
  engines.push(made.engine);
  return made;
};
const folders: string[] = [];
const temporary = async () => {
  const folder = await mkdtemp(join(tmpdir(), 'heed-trainer-'));
  folders.push(folder);
  return folder;
};
afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.dispose();
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
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
    for (const { rate, norm, stepsPerSecond, tokensPerSecond } of steps) {
      expect(rate).toBeGreaterThan(0);
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

describe('an error says where it happened, and leaves the run as it was', () => {
  const bad = (change: (example: TranslationExample) => TranslationExample, at: number) =>
    examples(40).map((example, i) => (i === at ? change(example) : example));
  const plain = (data: readonly TranslationExample[], more: object = {}) =>
    new DataLoader(data, { batchSize: 8, collate: TranslationDataset.collate(PAD), ...more });

  it('a target outside of the vocabulary', async () => {
    const data = bad(({ source, target }) => ({ source, target: Int32Array.from([...target.slice(0, -1), 99]) }), 21);
    const { trainer, bits } = await make({ loader: plain(data), accumulate: 1 });
    const error = await failureOf(() => trainer.fit({ epochs: 1 }));
    expect(error).toMatchObject({ code: 'ARGUMENT', culprit: 'labels' });
    expect(error.message).toMatch(
      /^Step 3 \(epoch 0, batch 2, example 21\): labels has 99 at position \d, and there are 12 of them\. They run from 0 to 11/,
    );
    expect(trainer.position).toEqual({ step: 2, epoch: 0, batch: 2 });
    data[21] = examples(40)[21] as TranslationExample;
    await trainer.fit({ epochs: 1 });
    const other = await make({ loader: plain(examples(40)), accumulate: 1 });
    await other.trainer.fit({ epochs: 1 });
    expect(bits()).toEqual(other.bits());
  });

  it('a source outside of the vocabulary, in the second batch of a step, in any order', async () => {
    const loader = plain(
      bad(({ target }) => ({ source: Int32Array.of(-1, 2), target }), 5),
      { shuffle: true, seed: 2 },
    );
    const batch = loader.plan(0).findIndex((rows) => rows.includes(5));
    const { trainer } = await make({ loader, accumulate: 2 });
    const error = await failureOf(() => trainer.fit({ epochs: 1 }));
    expect(error.message).toContain(`Step ${Math.floor(batch / 2) + 1} (epoch 0, batch ${batch}, example 5): source has -1 at position 0`);
  });

  it('a batch longer than the positions', async () => {
    const long = Int32Array.from({ length: 30 }, () => 3);
    const { trainer, model } = await make({ loader: plain(bad(({ target }) => ({ source: long, target }), 9)), accumulate: 1 });
    Object.assign(model.config, { max_position_embeddings: 16 });
    const error = await failureOf(() => trainer.fit({ epochs: 1 }));
    expect(error).toMatchObject({ code: 'ARGUMENT', culprit: 'source' });
    expect(error.message).toContain('Step 2 (epoch 0, batch 1, example 9): source has 30 tokens, and the model 16 positions');
  });

  it('no data', async () => {
    expect(await failureOf(() => make({ loader: plain([]) }))).toMatchObject({ code: 'ARGUMENT', culprit: 'loader' });
    expect(await failureOf(() => make({ loader: plain(examples(7), { dropLast: true }) }))).toMatchObject({ culprit: 'loader' });
    const nothing = new DataLoader<TranslationExample, TranslationBatch>(async function* () {}, {
      collate: TranslationDataset.collate(PAD),
    });
    const { trainer } = await make({ loader: nothing, validation: nothing });
    expect((await failureOf(() => trainer.fit({ epochs: 1 }))).message).toContain('Step 1 (epoch 0, batch 0): The data set gives no batch');
    expect(await failureOf(() => trainer.evaluate())).toMatchObject({ culprit: 'validation' });
    const { trainer: padding } = await make({ loader: plain([{ source: Int32Array.of(3), target: Int32Array.of(1, 0) }]), accumulate: 1 });
    expect((await failureOf(() => padding.fit({ epochs: 1 }))).message).toContain('has no target');
  });

  it('a loss and gradients that are not finite; it goes on from the last good checkpoint', async () => {
    const folder = await temporary();
    const settings = { accumulate: 1, schedule: (step: number) => (step === 8 ? 1e38 : 1), clip: undefined, dropout: 0 };
    const { trainer } = await make(settings);
    const error = await failureOf(() => trainer.fit({ steps: 20, checkpoint: { folder, every: 5 } }));
    expect(error.code).toBe('NUMERIC');
    expect(error.message).toMatch(/^Step \d+ \(epoch 0, batch \d+\): The (loss|gradients' norm) is (NaN|Infinity)/);
    const again = await make({ ...settings, schedule: () => 1 });
    expect(await again.trainer.resume(folder)).toBe(true);
    expect(again.trainer.position.step).toBe(5);
    await again.trainer.fit({ steps: 20, checkpoint: { folder } });
    const calm = await make({ ...settings, schedule: () => 1 });
    await calm.trainer.fit({ steps: 20 });
    expect(again.bits()).toEqual(calm.bits());
  });

  it('gradients that are not a number, with the parameter', async () => {
    const { trainer, bits } = await make({
      accumulate: 1,
      objective: { ...sequenceToSequence({ pad: PAD }), prepare: (model) => exploding(model) },
    });
    const before = bits();
    const error = await failureOf(() => trainer.fit({ steps: 1 }));
    expect(error).toMatchObject({ code: 'NUMERIC', culprit: 'embedding.weight' });
    expect(error.message).toContain("Step 1 (epoch 0, batch 0): The gradients' norm is");
    expect(bits()).toEqual(before);
    expect(trainer.position.step).toBe(0);
  });

  it('options that make no sense', async () => {
    await expect(make({ loader: undefined as never })).rejects.toMatchObject({ culprit: 'loader' });
    await expect(make({ seed: 0.5 })).rejects.toMatchObject({ culprit: 'seed' });
    await expect(make({ clip: 0 })).rejects.toMatchObject({ culprit: 'clip' });
    await expect(make({ accumulate: 0 })).rejects.toMatchObject({ culprit: 'accumulate' });
  });
});

/** A loss that is finite, and whose gradient is not. */
const exploding = (model: HeedTransformer): Exercise => {
  const huge = (x: Tensor) => scale(scale(x, 1e30), 1e30);
  return { targets: 1, tokens: 1, loss: () => sum(huge(scale(model.embedding.weight.tensor, 0))), sums: () => ({}) };
};
