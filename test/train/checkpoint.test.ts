/** Checkpoints: runs go on with the same bits, what is damaged is refused, and a disk that is full costs nothing but the one that was being written. */
import { mkdtemp, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createEngine, type Engine } from '../../dist/entry/node.js';
import { crc32c } from '../../dist/io/crc32c.js';
import { SGD } from '../../dist/train/index.js';
import { parseSafetensors } from '../runtimes/fixtures.js';
import { digestOf, examples, loaderOf, type TinyOptions, tiny } from './tiny.js';

const engines: Engine[] = [];
let folder: string;
let warnings: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heed-checkpoint-'));
  warnings = [];
});
afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.dispose();
  await rm(folder, { recursive: true });
});
const make = async (options: TinyOptions = {}) => {
  const made = await tiny({ onWarning: (message) => warnings.push(message), ...options });
  engines.push(made.engine);
  return made;
};

describe('a checkpoint of a version that counted no steps of parameters', () => {
  it('is gone on with, to the same bits', async () => {
    const first = await make();
    await first.trainer.fit({ steps: 4 });
    const bytes = await first.trainer.save();
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
    const { steps, ...state } = JSON.parse(header.__metadata__.state);
    expect(steps).toEqual({});
    header.__metadata__.state = JSON.stringify(state);
    const text = new TextEncoder().encode(JSON.stringify(header).padEnd(length));
    const old = new Uint8Array(bytes);
    old.set(text, 8);
    new DataView(old.buffer).setUint32(old.length - 4, crc32c(old.subarray(0, -4)), true);
    const next = await make();
    await next.trainer.load(old);
    for (const { trainer } of [first, next]) await trainer.fit({ steps: 9 });
    expect(next.bits()).toBe(first.bits());
  });
});

describe('a run that goes on with other data', () => {
  /** Epochs of six steps: 12 batches, two of them a step. Three steps are taken. */
  const begun = async () => {
    const { trainer } = await make({ count: 96 });
    await trainer.fit({ steps: 3 });
    expect(trainer.position).toEqual({ step: 3, epoch: 0, batch: 6 });
    return trainer.save();
  };

  it.each([
    [10, { epoch: 0, batch: 6 }],
    [7, { epoch: 0, batch: 6 }],
    [6, { epoch: 1, batch: 0 }],
    [2, { epoch: 1, batch: 0 }],
    [20, { epoch: 0, batch: 6 }],
  ])('of %i batches an epoch warns, and begins the next epoch where this one has no more', async (batches, place) => {
    const { trainer } = await make({ count: 8 * batches });
    await trainer.load(await begun());
    expect(warnings).toEqual([expect.stringMatching(`batches in an epoch: ${batches}, and 12`)]);
    expect(trainer.position).toEqual({ step: 3, ...place });
    expect((await trainer.fit({ steps: 9 })).step).toBe(9);
    expect(await trainer.fit({ epochs: trainer.position.epoch + 1 })).toMatchObject({ reason: 'epochs' });
  });

  it('is over where its epochs are, and takes no further step', async () => {
    const { trainer } = await make({ count: 16 });
    await trainer.load(await begun());
    expect(await trainer.fit({ epochs: 1 })).toMatchObject({ reason: 'epochs', step: 3, epoch: 1 });
  });

  it('of a stream that nobody knows the length of does so as well, and says where there is nothing at all', async () => {
    const stream = (batches: number) => {
      const loader = loaderOf(examples(8 * batches));
      return { length: undefined, epoch: (epoch: number, { from = 0 } = {}) => loader.epoch(epoch, { from: Math.min(from, batches) }) };
    };
    const { trainer } = await make({ loader: stream(4) });
    await trainer.load(await begun());
    expect((await trainer.fit({ steps: 9 })).step).toBe(9);
    const nothing = await make({ loader: stream(0) });
    await nothing.trainer.load(await begun());
    await expect(nothing.trainer.fit({ steps: 9 })).rejects.toThrow(/loader is empty/);
  });
});

describe('a run that stops', () => {
  it('goes on from bytes with the same bits, at every step', async () => {
    const whole = await make();
    await whole.trainer.fit({ steps: 20 });
    let bytes = await (await make()).trainer.save();
    for (const step of [3, 7, 12, 20]) {
      const next = await make();
      await next.trainer.load(bytes);
      await next.trainer.fit({ steps: step });
      bytes = await next.trainer.save();
      expect(next.trainer.position.step).toBe(step);
      if (step === 20) expect(next.bits()).toEqual(whole.bits());
    }
    expect(digestOf(bytes)).toBe(digestOf(await whole.trainer.save()));
    expect(warnings).toEqual([]);
  });

  it('goes on from a folder, whatever evaluations and records there were, and keeps as many checkpoints as it should', async () => {
    const settings = { evaluateEvery: 4, logEvery: 3, earlyStopping: { patience: 50 }, checkpoint: { folder, every: 3, keep: 3 } };
    const whole = await make({ validation: loaderOf(examples(20, 2)) });
    await whole.trainer.fit({ steps: 25, ...settings });
    expect((await readdir(folder)).sort()).toEqual([
      'best.safetensors',
      'step-21.safetensors',
      'step-24.safetensors',
      'step-25.safetensors',
    ]);
    await rm(join(folder, 'step-25.safetensors'));
    await rm(join(folder, 'step-24.safetensors'));
    const { trainer, bits } = await make({ validation: loaderOf(examples(20, 2)) });
    expect(await trainer.resume(folder)).toBe(true);
    expect(trainer.position).toEqual({ step: 21, epoch: 3, batch: 0 });
    await trainer.fit({ steps: 25, ...settings });
    expect(bits()).toEqual(whole.bits());
    expect(digestOf(await trainer.save())).toBe(digestOf(await whole.trainer.save()));
  });

  it('has its bits whatever the number of threads, without a warning', async () => {
    const runs = [1, 2].map((threads) => createEngine({ threads, deterministic: true, inlineBelow: 0 }));
    const [one, two] = [
      await make({ engine: await (runs[0] as Promise<Engine>) }),
      await make({ engine: await (runs[1] as Promise<Engine>) }),
    ];
    await one.trainer.fit({ steps: 5 });
    await two.trainer.load(await one.trainer.save());
    for (const { trainer } of [one, two]) await trainer.fit({ steps: 10 });
    expect(two.bits()).toEqual(one.bits());
    expect(warnings).toEqual([]);
  });

  it('is a new one where the folder has nothing', async () => {
    const { trainer } = await make();
    expect(await trainer.resume(join(folder, 'not there'))).toBe(false);
    expect(await trainer.resume(folder, { best: true })).toBe(false);
    expect(trainer.position.step).toBe(0);
  });

  it('does not write over another one', async () => {
    await (await make()).trainer.saveTo(folder);
    const { trainer } = await make();
    await expect(trainer.fit({ steps: 1, checkpoint: { folder } })).rejects.toMatchObject({
      code: 'ARGUMENT',
      culprit: 'checkpoint.folder',
    });
    await expect(trainer.saveTo(folder)).rejects.toMatchObject({ code: 'ARGUMENT' });
  });

  it('says what is not as it was, and goes on', async () => {
    const { trainer } = await make();
    await trainer.fit({ steps: 2 });
    const bytes = await trainer.save();
    const relaxed = await createEngine({ threads: 1 });
    const other = await make({ engine: relaxed, seed: 4, clip: 2, accumulate: 1, count: 200 });
    await other.trainer.load(bytes);
    const told = warnings.join('\n');
    if (relaxed.info.simd === 'relaxed') expect(told).toContain('checkpoint: the binary: relaxed, and simd where it was written');
    for (const what of ['deterministic mode: false', 'the seed: 4', 'clip: 2', 'accumulate: 1', 'batches in an epoch: 25, and 13'])
      expect(told).toContain(what);
    expect(other.trainer.position.step).toBe(2);
    await other.trainer.fit({ steps: 4 });

    warnings.length = 0;
    const versions = reworded(bytes, '\\"version\\":\\"0.1.0\\"', '\\"version\\":\\"0.0.9\\"');
    await trainer.load(versions);
    expect(warnings).toEqual([expect.stringMatching(/heed's version: .*, and 0\.0\.9 where it was written/)]);
  });
});

describe('a file', () => {
  it('is a safetensors file, with parameters and moments by name', async () => {
    const { trainer, model } = await make();
    await trainer.fit({ steps: 2 });
    const tensors = parseSafetensors(await trainer.save());
    const state = model.stateDict();
    for (const [name, { data, dims }] of Object.entries(state)) {
      expect(tensors[`model.${name}`]).toMatchObject({ data, dims });
      for (const slot of ['m', 'v']) expect(tensors[`optimizer.${name}.${slot}`]?.dims).toEqual(dims);
    }
    expect(Object.keys(tensors)).toHaveLength(3 * Object.keys(state).length + 1);
  });

  it('that was cut short or altered anywhere is refused, and nothing changes', async () => {
    const { trainer } = await make();
    await trainer.fit({ steps: 2 });
    const good = await trainer.save();
    const bad: Uint8Array[] = [new Uint8Array(0), good.slice(0, 7), good.slice(0, -1), good.slice(0, good.length / 2)];
    for (let i = 0; i < 60; i++) {
      const copy = good.slice();
      const at = i < 20 ? i : Math.floor((i * copy.length) / 60);
      copy[at] = (copy[at] as number) ^ (1 << (i % 8));
      bad.push(copy);
    }
    const { trainer: other, bits } = await make();
    const before = bits();
    for (const bytes of bad) await expect(other.load(bytes)).rejects.toMatchObject({ code: 'FORMAT' });
    expect(bits()).toEqual(before);
    expect(other.position.step).toBe(0);
    await other.load(good);
    expect(digestOf(await other.save())).toBe(digestOf(good));
  });

  it('that is damaged is passed over for the one before it', async () => {
    const { trainer } = await make();
    await trainer.fit({ steps: 6, checkpoint: { folder, every: 2, keep: 3 } });
    await truncate(join(folder, 'step-6.safetensors'), 5000);
    const bytes = await readFile(join(folder, 'step-4.safetensors'));
    bytes[3000] = (bytes[3000] as number) ^ 1;
    await writeFile(join(folder, 'step-4.safetensors'), bytes);
    const next = await make();
    expect(await next.trainer.resume(folder)).toBe(true);
    expect(next.trainer.position.step).toBe(2);
    expect(warnings).toEqual([6, 4].map((step) => expect.stringContaining(`step-${step}.safetensors: its checksum is wrong`)));
    await next.trainer.fit({ steps: 3, checkpoint: { folder } });
    expect((await readdir(folder)).sort()).toEqual(['step-2.safetensors', 'step-3.safetensors']);
    await truncate(join(folder, 'step-2.safetensors'), 0);
    await truncate(join(folder, 'step-3.safetensors'), 0);
    await expect((await make()).trainer.resume(folder)).rejects.toMatchObject({ code: 'FORMAT' });
  });

  it('of another model or optimizer is refused, and nothing changes', async () => {
    const { trainer } = await make();
    await trainer.fit({ steps: 1 });
    const good = await trainer.save();
    const { model, trainer: other, bits } = await make({ vocabulary: 20 });
    const before = bits();
    await expect(other.load(good)).rejects.toMatchObject({ code: 'MODEL_MISMATCH', culprit: 'model.embedding.weight' });
    expect(bits()).toEqual(before);
    const sgd = await make({ optimizer: new SGD(model.namedParameters()) });
    await expect(sgd.trainer.load(good)).rejects.toMatchObject({ code: 'MODEL_MISMATCH' });
    await expect(trainer.load(reworded(good, 'heed-checkpoint-1', 'heed-checkpoint-9'))).rejects.toMatchObject({ code: 'FORMAT' });
  });
});

describe('a checkpoint that cannot be written', () => {
  const onLinux = it.skipIf(process.platform !== 'linux');

  onLinux('for a full disk is an error that says so; the last good one and the run are there', async () => {
    const { trainer } = await make();
    const settings = { steps: 9, checkpoint: { folder, every: 3 } };
    await trainer.fit({ ...settings, steps: 3 });
    await symlink('/dev/full', join(folder, 'step-6.safetensors.tmp'));
    const error = await trainer.fit(settings).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'STORAGE', culprit: join(folder, 'step-6.safetensors') });
    expect(String(error)).toContain('cannot be written: the disk is full. Make room');
    expect(await readdir(folder)).toEqual(['step-3.safetensors']);
    const next = await make();
    expect(await next.trainer.resume(folder)).toBe(true);
    expect(next.trainer.position.step).toBe(3);
    // Room was made.
    for (const run of [trainer, next.trainer]) await run.fit(settings);
    expect(digestOf(await next.trainer.save())).toBe(digestOf(await trainer.save()));
  });

  onLinux('for a folder that allows no file is an error that names it', async () => {
    const { trainer } = await make();
    // Not even root may write here.
    for (const place of ['/sys/heed', join(folder, 'file')]) {
      await writeFile(join(folder, 'file'), '');
      await expect(trainer.saveTo(place)).rejects.toMatchObject({ code: 'STORAGE' });
    }
    await expect(trainer.fit({ steps: 1, checkpoint: { folder: '/sys/heed' } })).rejects.toThrow(
      /\/sys\/heed\/step-1\.safetensors cannot be written/,
    );
    expect(trainer.position.step).toBe(1);
  });
});

/** The bytes with a text of the same length in the place of another. */
function reworded(bytes: Uint8Array, from: string, to: string): Uint8Array {
  const copy = Buffer.from(bytes);
  const at = copy.indexOf(from);
  expect(at).toBeGreaterThan(0);
  copy.write(to, at);
  copy.writeUInt32LE(crc32c(copy.subarray(0, -4)), copy.length - 4);
  return new Uint8Array(copy);
}
