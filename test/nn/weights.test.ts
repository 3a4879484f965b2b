/** Weights of one's own modules: from files that PyTorch's libraries wrote, into files that they read; what does not fit is an error that names it, and changes nothing. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { createEngine, type Engine, readSafetensors, type EngineTensor as Tensor, tensor, writeSafetensors } from 'heed';
import { Linear, Module, Transformer, TransformerDecoderLayer, TransformerEncoderLayer } from 'heed/nn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { failureOf } from '../io/memory.js';

const here = fileURLToPath(new URL('../fixtures/tensors', import.meta.url));
const expected = JSON.parse(readFileSync(join(here, 'expected.json'), 'utf8'));
const temporary = mkdtempSync(join(tmpdir(), 'heed-'));
let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ threads: 1 });
});
afterAll(async () => {
  rmSync(temporary, { recursive: true });
  await engine.dispose();
});

const layerOf = () => new TransformerEncoderLayer(engine, 8, 2, { dimFeedforward: 12, batchFirst: true });
const run = (layer: TransformerEncoderLayer) =>
  engine.scope(() => Array.from(layer.forward(tensor(engine, expected.layer.in, [2, 3, 8])).toHost().data));
const near = (got: number[], want: number[]) => {
  expect(got).toHaveLength(want.length);
  expect(Math.max(...got.map((x, i) => Math.abs(x - (want[i] as number))))).toBeLessThan(1e-5);
};

describe('load', () => {
  it('fills a module as PyTorch does: from shards, from their index, from half precision', async () => {
    const layer = layerOf();
    expect(await layer.load(join(here, 'shards'))).toBe(layer);
    near(run(layer), expected.layer.out);
    await layer.load(join(here, 'bfloat16.safetensors'));
    near(run(layer), expected.bfloat16_out);
    await layer.load(pathToFileURL(join(here, 'shards', 'model.safetensors.index.json')));
    near(run(layer), expected.layer.out);
    await layer.load(new Uint8Array(readFileSync(join(here, 'bfloat16.safetensors'))));
    near(run(layer), expected.bfloat16_out);
  });

  const weight = { data: Float32Array.of(1, 2, 3, 4, 5, 6), dims: [2, 3] };
  const bias = { data: Float32Array.of(7, 8), dims: [2] };
  const good = { weight, bias };
  const values = (linear: Linear) => Object.values(linear.stateDict()).map(({ data }) => [...data]);

  it.each([
    ['lacks a tensor', { weight }, 'bias', 'has no bias'],
    ['has another', { ...good, scale: bias }, 'scale', 'has scale, which Linear does not'],
    ['has one of another shape', { ...good, weight: { ...weight, dims: [3, 2] } }, 'weight', 'weight is F32 [3,2], it must be [2,3]'],
    [
      'has one that is no float',
      { ...good, bias: { data: Int32Array.of(7, 8), dims: [2] } },
      'bias',
      'bias is I32 [2], it must be one of F32',
    ],
  ])('says so of a file that %s, by name, and changes nothing', async (_, tensors, culprit, message) => {
    const linear = new Linear(engine, 3, 2);
    await linear.load(await writeSafetensors(good));
    const failure = await failureOf(async () => linear.load(await writeSafetensors(tensors)));
    expect(failure).toMatchObject({ code: 'MODEL_MISMATCH', culprit });
    expect(failure.message).toContain(message);
    expect(values(linear)).toEqual([
      [1, 2, 3, 4, 5, 6],
      [7, 8],
    ]);
    linear.dispose();
  });

  it('changes nothing where the file ends too soon', async () => {
    const linear = new Linear(engine, 3, 2);
    await linear.load(await writeSafetensors(good));
    const cut = (await writeSafetensors({ weight: bias, bias: weight })).slice(0, -4);
    expect(await failureOf(() => linear.load(cut))).toMatchObject({ code: 'FORMAT' });
    expect(values(linear)).toEqual([
      [1, 2, 3, 4, 5, 6],
      [7, 8],
    ]);
    linear.dispose();
  });

  it('takes a file with more or less where strict is false, and no other options', async () => {
    const linear = new Linear(engine, 3, 2);
    await linear.load(await writeSafetensors(good));
    await linear.load(await writeSafetensors({ bias: { data: [9, 9], dims: [2] }, scale: bias }), { strict: false });
    expect(values(linear)).toEqual([
      [1, 2, 3, 4, 5, 6],
      [9, 9],
    ]);
    const misshapen = await writeSafetensors({ bias: { data: [9], dims: [1] } });
    expect(await failureOf(() => linear.load(misshapen, { strict: false }))).toMatchObject({ code: 'MODEL_MISMATCH', culprit: 'bias' });
    expect(await failureOf(() => linear.load(misshapen, { map_location: 'cpu' } as object))).toMatchObject({ code: 'UNSUPPORTED' });
    linear.dispose();
  });
});

class Tied extends Module {
  readonly first = this.child('first', new Linear(this.engine, 3, 3));
  readonly again = this.child('again', this.first);
}

describe('save', () => {
  it('writes what load takes: a file, and bytes', async () => {
    const layer = layerOf().init(1);
    const before = run(layer);
    const file = join(temporary, 'folder', 'layer.safetensors');
    await layer.save(file);
    expect(Object.keys(await readSafetensors(file)).sort()).toEqual([...layer.namedParameters()].map(([name]) => name).sort());
    const other = layerOf().init(2);
    expect(run(other)).not.toEqual(before);
    expect(run(await other.load(file))).toEqual(before);
    expect(run(await layerOf().load(await layer.save()))).toEqual(before);
    await layer.save(pathToFileURL(file), { metadata: { format: 'pt', epoch: '3' } });
    expect(run(await layerOf().load(file))).toEqual(before);
  });

  it('writes a tied parameter once, and loads it by any of its names', async () => {
    const tied = new Tied(engine).init(5);
    const bytes = await tied.save();
    const tensors = await readSafetensors(bytes);
    expect(Object.keys(tensors).sort()).toEqual(['first.bias', 'first.weight']);
    const loaded = await new Tied(engine).load(bytes);
    expect(loaded.stateDict()).toEqual(tied.stateDict());
    const renamed = Object.fromEntries(Object.entries(tensors).map(([name, one]) => [name.replace('first', 'again'), one]));
    expect((await new Tied(engine).load(await writeSafetensors(renamed))).stateDict()).toEqual(tied.stateDict());
  });

  it('writes what 8-bit weights stand for', async () => {
    const linear = new Linear(engine, 32, 4).init(3).to('q8');
    const loaded = await new Linear(engine, 32, 4).load(await linear.save());
    expect(loaded.stateDict()).toEqual(linear.stateDict());
  });

  it.each([[''], [7], [{}]])('refuses %j as a file', async (file) => {
    const linear = new Linear(engine, 3, 2).init(1);
    expect(await failureOf(() => linear.save(file as string))).toMatchObject({ code: 'ARGUMENT', culprit: 'file' });
  });
});

describe("PyTorch's defaults", () => {
  const dropouts = (module: object): Record<string, number> => {
    const options = (module as { options: { dropout: number } }).options;
    return { dropout: options.dropout };
  };

  it('are those of the layers: 0.1 is dropped in training, nothing out of it', () => {
    const { TransformerEncoderLayer: encoder, TransformerDecoderLayer: decoder, Transformer: whole } = expected.defaults;
    expect([encoder, decoder, whole].map(({ dropout }) => dropout)).toEqual([0.1, 0.1, 0.1]);
    const made = [new TransformerEncoderLayer(engine, 8, 2), new TransformerDecoderLayer(engine, 8, 2)];
    expect(made.map((layer) => dropouts(layer).dropout)).toEqual([encoder.dropout, decoder.dropout]);
    const transformer = new Transformer(engine, { dModel: 8, nhead: 2, numEncoderLayers: 1, numDecoderLayers: 1 });
    expect(dropouts(transformer.encoder.layers[0] as object).dropout).toBe(whole.dropout);
    expect(dropouts(transformer.decoder.layers[0] as object).dropout).toBe(whole.decoder);
  });

  it('of dropout change no result out of training', () => {
    const make = (options: object) =>
      new TransformerEncoderLayer(engine, 8, 2, { dimFeedforward: 12, batchFirst: true, ...options }).init(4);
    const [own, none] = [make({}), make({ dropout: 0 })];
    expect(run(own)).toEqual(run(none));
    const inTraining = (layer: TransformerEncoderLayer) => run(layer.train({ seed: 1, step: 1 }));
    expect(inTraining(own)).not.toEqual(inTraining(none));
    expect(run(own.eval())).toEqual(run(none.eval()));
  });

  it('may be said to be undefined', () => {
    const x = (layer: TransformerEncoderLayer): Tensor => layer.forward(tensor(engine, expected.layer.in, [2, 3, 8]));
    const layer = new TransformerEncoderLayer(engine, 8, 2, { dropout: undefined as unknown as number, batchFirst: true }).init(1);
    expect(x(layer.train()).shape).toEqual([2, 3, 8]);
    expect(dropouts(layer).dropout).toBe(0.1);
  });
});
