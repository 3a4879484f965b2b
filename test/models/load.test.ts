/** Loading a model: every element type, one file or shards; what does not fit is named, and leaves no memory behind. */
import { describe, expect, it, vi } from 'vitest';
import { folderAt } from '../../dist/io/folder.js';
import { estimate } from '../../dist/models/estimate.js';
import { EncoderModel } from '../../dist/models/model.js';
import { failureOf } from '../io/memory.js';
import { numbersOf, tinyFiles, tinyWeights, type Weight, type Weights, weightOf, writeWeights } from './files.js';
import { type Half, narrowed } from './halves.js';
import { engineWith, failure, inputs, load, states } from './loading.js';

describe('element types', () => {
  it.each<[Half, number]>([
    ['F16', 5e-3],
    ['BF16', 2e-2],
  ])('%s loads, and is exactly the float32 model of the rounded weights', async (dtype, tolerance) => {
    const { halves, widened } = narrowed(tinyWeights(), dtype);
    const [half, wide, full] = await Promise.all([halves, widened, tinyWeights()].map(async (w) => states(await load(tinyFiles({}, w)))));
    expect(half).toEqual(wide);
    const apart = (half as number[]).map((x, i) => Math.abs(x - ((full as number[])[i] as number)));
    expect(Math.max(...apart)).toBeLessThan(tolerance);
    expect(Math.max(...apart)).toBeGreaterThan(0);
  });

  it('may be mixed', async () => {
    const { halves, widened } = narrowed(tinyWeights(), 'F16');
    const mixed = Object.fromEntries(
      Object.entries(widened).map(([name, w]) => [name, name.includes('dense') ? w : (halves[name] as typeof w)]),
    );
    expect(await states(await load(tinyFiles({}, mixed)))).toEqual(await states(await load(tinyFiles({}, widened))));
  });

  it.each(
    [
      'embeddings.word_embeddings.weight',
      'embeddings.LayerNorm.weight',
      'encoder.layer.0.attention.self.key.bias',
      'encoder.layer.1.output.dense.weight',
    ].flatMap((name) =>
      (['fp32', 'q8'] as const).flatMap((dtype) =>
        [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY].flatMap((value) =>
          ([undefined, 'F16', 'BF16'] as const).map((half) => ({ name, dtype, value, half })),
        ),
      ),
    ),
  )('must hold numbers: $value in $name as $half, kept as $dtype', async ({ name, dtype, value, half }) => {
    const weights = half ? narrowed(tinyWeights(), half).halves : tinyWeights();
    const { shape, bytes } = weights[name] as Weight;
    // The upper half of a float32 is a bfloat16; a float16 has three bits less of exponent.
    const upper = new Uint16Array(Float32Array.of(value).buffer)[1] as number;
    const bits = half === 'F16' ? (upper & 0x8000) | 0x7c00 | ((upper & 0x7f) << 3) : upper;
    bytes.set([bits & 0xff, bits >> 8], bytes.length - 2);
    const engine = await engineWith(tinyFiles({}, weights));
    const error = await failureOf(() => EncoderModel.load(engine, 'm', { dtype }));
    expect(error).toMatchObject({ code: 'NUMERIC', culprit: name, shape });
    expect(error.message).toMatch(/^.*model\.safetensors: .* not finite/);
    expect(engine.memory().storages).toBeLessThanOrEqual(1); // scratch
  });

  it('may hold infinities where no model reads them', async () => {
    const weights = tinyWeights();
    weights['embeddings.position_ids'] = weightOf(new Float32Array(64).fill(Number.NEGATIVE_INFINITY), [1, 64]);
    expect(await states(await load(tinyFiles({}, weights)))).toEqual(await states(await load(tinyFiles())));
  });

  it('that heed does not load are refused by name', async () => {
    const weights = tinyWeights();
    weights['pooler.dense.bias'] = { dtype: 'F8_E4M3', shape: [32], bytes: new Uint8Array(32) };
    const error = await failure(tinyFiles({}, weights));
    expect(error).toMatchObject({ code: 'DTYPE', culprit: 'pooler.dense.bias', shape: [32] });
    expect(error.cure).toMatch(/F32, F16, BF16, F64/);
  });

  it('that no format knew are refused where they are needed, and nowhere else', async () => {
    const weights = tinyWeights();
    const strange = { dtype: 'F31', shape: [3], bytes: new Uint8Array(5) };
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    expect(await states(await load(tinyFiles({}, { ...weights, more: strange })))).toEqual(await states(await load(tinyFiles())));
    expect(warn).toHaveBeenCalledTimes(1);
    warn.mockRestore();
    weights['pooler.dense.bias'] = { ...strange, shape: [32] };
    expect(await failure(tinyFiles({}, weights))).toMatchObject({ code: 'DTYPE', culprit: 'pooler.dense.bias' });
  });

  it('of 64 bits are rounded', async () => {
    const wide = Object.fromEntries(
      Object.entries(tinyWeights()).map(([name, weight]) => {
        // A little beside each number, nearer to it than its neighbours.
        const bytes = new Uint8Array(Float64Array.from(numbersOf(weight), (x) => x * (1 + 2 ** -27)).buffer);
        return [name, { ...weight, dtype: 'F64', bytes }];
      }),
    );
    for (const dtype of ['fp32', 'q8'] as const)
      expect(await states(await load(tinyFiles({}, wide), { dtype }))).toEqual(await states(await load(tinyFiles(), { dtype })));
  });
});

describe('a checkpoint', () => {
  it('may come in shards', async () => {
    const files = tinyFiles();
    const all = Object.entries(tinyWeights());
    const shards = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'];
    const map = Object.fromEntries(all.map(([name], i) => [name, shards[Number(i > 20)]]));
    delete files['m/model.safetensors'];
    for (const shard of shards) files[`m/${shard}`] = writeWeights(Object.fromEntries(all.filter(([name]) => map[name] === shard)));
    files['m/model.safetensors.index.json'] = JSON.stringify({ weight_map: map });
    expect(await states(await load(files))).toEqual(await states(await load(tinyFiles())));
  });

  it("may hold the encoder under a task model's prefix, beside what the task adds, with the oldest names of norms", async () => {
    const weights: Weights = { 'cls.predictions.bias': { dtype: 'F64', shape: [1], bytes: new Uint8Array(8) } };
    for (const [name, weight] of Object.entries(tinyWeights()))
      weights[`bert.${name}`.replace('LayerNorm.weight', 'LayerNorm.gamma').replace('LayerNorm.bias', 'LayerNorm.beta')] = weight;
    weights['bert.embeddings.position_ids'] = { dtype: 'I64', shape: [1, 64], bytes: new Uint8Array(512) };
    expect(await states(await load(tinyFiles({}, weights)))).toEqual(await states(await load(tinyFiles())));
  });

  it('may lack a pooler: then nothing is pooled', async () => {
    const { 'pooler.dense.weight': _, 'pooler.dense.bias': __, ...weights } = tinyWeights();
    const model = await load(tinyFiles({}, weights));
    expect(Object.keys(await model(inputs))).toEqual(['last_hidden_state']);
  });

  it.each(['pooler.dense.weight', 'pooler.dense.bias'])('that has half a pooler lacks %s', async (name) => {
    const weights = tinyWeights();
    delete weights[name];
    expect(await failure(tinyFiles({}, weights))).toMatchObject({ code: 'MODEL_MISMATCH', culprit: name });
  });

  it.each(Object.keys(tinyWeights()).filter((name) => !name.startsWith('pooler')))(
    'that lacks %s is refused by that name',
    async (name) => {
      const weights = tinyWeights();
      delete weights[name];
      const error = await failure(tinyFiles({}, weights));
      expect(error).toMatchObject({ code: 'MODEL_MISMATCH', culprit: name });
      expect(error.message).toContain(name);
    },
  );

  it.each(Object.keys(tinyWeights()).filter((name) => !/layer\.1/.test(name)))(
    'with %s in another shape is refused by that name',
    async (name) => {
      const weights = tinyWeights();
      const { shape, bytes } = weights[name] as Weights[string];
      for (const wrong of [[...shape, 1], [(shape[0] as number) - 1, ...shape.slice(1)], shape.length === 1 ? [] : [...shape].reverse()]) {
        if (String(wrong) === String(shape)) continue; // a square the other way round
        const size = 4 * wrong.reduce((n, d) => n * d, 1);
        weights[name] = { dtype: 'F32', shape: wrong, bytes: new Uint8Array(bytes.subarray(0, size)) };
        const error = await failure(tinyFiles({}, weights));
        expect(error).toMatchObject({ code: 'MODEL_MISMATCH', culprit: name, shape: wrong });
        expect(error.message).toContain(`[${shape}]`);
      }
    },
  );

  it.each(['encoder.layer.2.output.dense.bias', 'encoder.layer.x.output.dense.bias', 'extra', '__proto__', 'constructor'])(
    'with a tensor %s too many is loaded, and that is told of',
    async (name) => {
      const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
      const weights = Object.fromEntries([
        ...Object.entries(tinyWeights()),
        [name, { dtype: 'F32', shape: [1], bytes: new Uint8Array(4) }],
      ]);
      expect(await states(await load(tinyFiles({}, weights)))).toEqual(await states(await load(tinyFiles())));
      expect(warn.mock.calls).toEqual([[expect.stringContaining(`"${name}"`)]]);
      warn.mockRestore();
    },
  );

  it.each(['module.', '_orig_mod.', 'module._orig_mod.', '_orig_mod.module.', 'bert._orig_mod.'])(
    'may have %s before its names, as wrappers of modules leave it there',
    async (before) => {
      const weights = Object.fromEntries(Object.entries(tinyWeights()).map(([name, weight]) => [before + name, weight]));
      expect(await states(await load(tinyFiles({}, weights)))).toEqual(await states(await load(tinyFiles())));
    },
  );

  it('may stand in the folder that modules.json names', async () => {
    const want = await states(await load(tinyFiles()));
    const modules = JSON.stringify([{ idx: 0, name: '0', path: '0_Transformer', type: 'sentence_transformers.models.Transformer' }]);
    const own = tinyFiles();
    const inside = {
      'm/modules.json': modules,
      ...Object.fromEntries(['config.json', 'model.safetensors'].map((f) => [`m/0_Transformer/${f}`, own[`m/${f}`] as string])),
    };
    expect(await states(await load(inside))).toEqual(want);
    // The oldest have a version beside it.
    expect(await states(await load({ ...inside, 'm/config.json': '{"__version__": "0.2.0"}' }))).toEqual(want);
    const { runtime } = await engineWith(inside);
    expect((await estimate(runtime, folderAt(runtime, 'm'))).architecture).toBe('bert');
  });

  it('that has a tensor twice, under two names, is refused by the second', async () => {
    const weights = tinyWeights();
    const name = 'embeddings.LayerNorm.gamma';
    weights[name] = weights['embeddings.LayerNorm.weight'] as Weights[string];
    expect(await failure(tinyFiles({}, weights))).toMatchObject({ code: 'MODEL_MISMATCH', culprit: name });
  });

  it('that is cut short, or no checkpoint at all, is FORMAT', async () => {
    const whole = tinyFiles()['m/model.safetensors'] as Uint8Array;
    for (const end of [0, 7, 8, 500, whole.length - 1])
      expect((await failure({ ...tinyFiles(), 'm/model.safetensors': whole.subarray(0, end) })).code).toBe('FORMAT');
  });

  it('that is not there is NOT_FOUND', async () => {
    const { 'm/model.safetensors': _, ...files } = tinyFiles();
    expect(await failure(files)).toMatchObject({ code: 'NOT_FOUND', culprit: 'm' });
    expect((await failure({})).code).toBe('NOT_FOUND');
  });
});
