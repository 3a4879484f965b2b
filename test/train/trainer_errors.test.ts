/** What a Trainer says when something is wrong: where it happened; and the run is as it was. */
import { describe, expect, it } from 'vitest';
import type { HeedTransformer } from '../../dist/models/heed_transformer.js';
import { scale, sum, type Tensor } from '../../dist/ops/index.js';
import {
  DataLoader,
  type Exercise,
  sequenceToSequence,
  type TranslationBatch,
  TranslationDataset,
  type TranslationExample,
} from '../../dist/train/index.js';
import { failureOf } from '../io/memory.js';
import { make, temporary } from './made.js';
import { examples, PAD } from './tiny.js';

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
