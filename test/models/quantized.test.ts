/**
 * Models in 8 bits: a float checkpoint that is rounded while it loads is the q8 checkpoint of the same weights; both are near the float32 model of what the
 * rounded weights count as; and checkpoints that are not what they say are refused by name.
 */
import { afterEach, describe, expect, it } from 'vitest';
import type { Engine, EngineOptions } from '../../dist/engine/engine.js';
import { EncoderModel, type Model } from '../../dist/models/model.js';
import type { PretrainedOptions } from '../../dist/models/options.js';
import { dequantized } from '../cases/quantize.js';
import { failureOf } from '../io/memory.js';
import {
  bertFiles,
  engineOver,
  type Files,
  numbersOf,
  randomBert,
  tinyFiles,
  tinyWeights,
  type Weight,
  type Weights,
  weightOf,
} from './files.js';
import { isQuantized, quantization_config, quantizedWeights } from './quantized_files.js';

const engines: Engine[] = [];
afterEach(() => Promise.all(engines.splice(0).map((engine) => engine.dispose())));

async function engineWith(files: Files, options?: EngineOptions): Promise<Engine> {
  const engine = await engineOver(files, options);
  engines.push(engine);
  return engine;
}

const load = async (files: Files, options: PretrainedOptions = {}, engineOptions?: EngineOptions): Promise<Model> =>
  EncoderModel.load(await engineWith(files, engineOptions), 'm', options);

/** What the rounded weights count as. */
const dequantizedWeights = (weights: Weights): Weights =>
  Object.fromEntries(
    Object.entries(weights).map(([name, weight]) => {
      const [N, K] = weight.shape as [number, number];
      return [name, isQuantized(name, weight) ? weightOf(Float32Array.from(dequantized(numbersOf(weight), N, K)), weight.shape) : weight];
    }),
  );

const q8Files = (weights: Weights = quantizedWeights(tinyWeights())): Files => tinyFiles({ quantization_config }, weights);

const inputs = { input_ids: [[2, 17, 40, 60, 3, 0, 0]], attention_mask: [[1, 1, 1, 1, 1, 0, 0]] };
const states = async (model: Model): Promise<Float32Array> => {
  const { last_hidden_state, pooler_output } = await model(inputs);
  return Float32Array.from([...last_hidden_state.data, ...(pooler_output?.data ?? [])]);
};
const stateOf = (model: Model) => model.encoder.quantizedState().map(({ name, dtype, shape, bytes }) => ({ name, dtype, shape, bytes }));

/** Widths that are no multiples of 32, heights that are none of 8: parts of in_proj have panels of their own. */
const odd = () => randomBert({ C: 36, H: 3, F: 70, L: 2, V: 97, positions: 12 });

describe('one set of weights', () => {
  it.each<[string, () => { plain: Files; q8: Files }]>([
    ['the fixture', () => ({ plain: tinyFiles(), q8: q8Files() })],
    [
      'scales before all integers, as a file sorted by size of elements has them',
      () => ({
        plain: tinyFiles(),
        q8: q8Files(
          quantizedWeights(tinyWeights(), (names) => names.sort((a, b) => Number(b.endsWith('.scale')) - Number(a.endsWith('.scale')))),
        ),
      }),
    ],
    [
      'scales behind all integers',
      () => ({
        plain: tinyFiles(),
        q8: q8Files(
          quantizedWeights(tinyWeights(), (names) => names.sort((a, b) => Number(a.endsWith('.scale')) - Number(b.endsWith('.scale')))),
        ),
      }),
    ],
    [
      'odd sizes',
      () => {
        const { config, weights } = odd();
        return {
          plain: bertFiles({ config, weights }),
          q8: bertFiles({ config: { ...config, quantization_config }, weights: quantizedWeights(weights) }),
        };
      },
    ],
  ])('is one model, whether it was rounded before or while it loads: %s', async (_, make) => {
    const { plain, q8 } = make();
    const models = await Promise.all([load(plain, { dtype: 'q8' }), load(q8), load(q8, { dtype: 'q8' })]);
    const [first, ...others] = await Promise.all(models.map(states));
    for (const other of others) expect(other).toEqual(first);
    const [one, ...more] = models.map(stateOf);
    for (const state of more) expect(state).toEqual(one);
    for (const model of models)
      for (const [name, { dtype, quantizable }] of model.encoder.namedParameters())
        expect([name, dtype]).toEqual([name, quantizable ? 'q8' : 'float32']);
  });

  it('is given out, for a writer, as it was in the checkpoint', async () => {
    const weights = quantizedWeights(tinyWeights());
    const state = new Map(stateOf(await load(q8Files(weights))).map((entry) => [entry.name, entry]));
    expect(state.get('layers.0.linear1.weight')).toEqual({
      name: 'layers.0.linear1.weight',
      ...weights['encoder.layer.0.intermediate.dense.weight'],
    });
    expect(state.get('layers.0.linear1.weight.scale')).toEqual({
      name: 'layers.0.linear1.weight.scale',
      ...weights['encoder.layer.0.intermediate.dense.weight.scale'],
    });
    const parts = ['query', 'key', 'value'].map(
      (part) => weights[`encoder.layer.0.attention.self.${part}.weight.scale`]?.bytes as Uint8Array,
    );
    expect(Buffer.concat(parts)).toEqual(Buffer.from(state.get('layers.0.self_attn.in_proj_weight.scale')?.bytes as Uint8Array));
    // A float32 model gives the same.
    expect(stateOf(await load(tinyFiles()))).toEqual([...state.values()]);
  });

  it("is, with dtype 'fp32', exactly the float32 model of what it counts as", async () => {
    const { config, weights } = odd();
    const q8 = bertFiles({ config: { ...config, quantization_config }, weights: quantizedWeights(weights) });
    const [wide, plain] = await Promise.all([
      load(q8, { dtype: 'fp32' }),
      load(bertFiles({ config, weights: dequantizedWeights(weights) })),
    ]);
    expect(wide.encoder.stateDict()).toEqual(plain.encoder.stateDict());
    expect(await states(wide)).toEqual(await states(plain));
    for (const [name, { dtype }] of wide.encoder.namedParameters()) expect([name, dtype]).toEqual([name, 'float32']);
    expect(wide.engine.memory().storages).toBe(plain.engine.memory().storages);
  });

  it.each([true, false])(
    'gives hidden states within 1e-3 of that model, relative to the largest (deterministic: %s)',
    async (deterministic) => {
      for (const { config, weights } of [{ config: {}, weights: tinyWeights() }, odd()]) {
        const files = (w: Weights) => ('model_type' in config ? bertFiles({ config, weights: w }) : tinyFiles({}, w));
        const engineOptions = { threads: 2, deterministic, inlineBelow: 0 };
        const got = await states(await load(files(weights), { dtype: 'q8' }, engineOptions));
        const want = await states(await load(files(dequantizedWeights(weights)), {}, engineOptions));
        const most = Math.max(...want.map(Math.abs));
        got.forEach((value, i) => void expect(Math.abs(value - (want[i] as number)) / most).toBeLessThan(1e-3));
      }
    },
  );

  it('takes the memory that its parameters say, about 3.5 times less for matrices', async () => {
    const { config, weights } = randomBert({ C: 128, H: 4, F: 512, L: 1, V: 3000, positions: 8 });
    const files = bertFiles({ config, weights });
    const [float32, q8] = await Promise.all([load(files), load(files, { dtype: 'q8' })]);
    for (const { engine, encoder } of [float32, q8]) {
      const bytes = [...encoder.namedParameters()].reduce((sum, [, parameter]) => sum + Math.ceil(parameter.bytes / 64) * 64, 0);
      const { used } = engine.memory();
      expect(used - bytes).toBeGreaterThanOrEqual(0);
      expect(used - bytes).toBeLessThanOrEqual(256); // scratch
    }
    expect(float32.engine.memory().used / q8.engine.memory().used).toBeGreaterThan(3.4);
  });
});

describe('a q8 checkpoint', () => {
  const matrix = 'encoder.layer.1.output.dense.weight';
  const refused: [string, (weights: Weights) => void, string, string][] = [
    ['a scale that is missing', (w) => delete w[`${matrix}.scale`], 'MODEL_MISMATCH', `${matrix}.scale`],
    ['integers that are missing', (w) => delete w[matrix], 'MODEL_MISMATCH', matrix],
    [
      'a scale of one group too many',
      (w) => change(w, `${matrix}.scale`, { shape: [32, 3], bytes: new Uint8Array(32 * 3 * 2) }),
      'MODEL_MISMATCH',
      `${matrix}.scale`,
    ],
    ['a scale that is a vector', (w) => change(w, `${matrix}.scale`, { shape: [64] }), 'MODEL_MISMATCH', `${matrix}.scale`],
    ['integers turned on their side', (w) => change(w, matrix, { shape: [40, 32] }), 'MODEL_MISMATCH', matrix],
    [
      'a scale in float32',
      (w) => change(w, `${matrix}.scale`, { dtype: 'F32', bytes: new Uint8Array(32 * 2 * 4) }),
      'DTYPE',
      `${matrix}.scale`,
    ],
    ['a scale in bfloat16', (w) => change(w, `${matrix}.scale`, { dtype: 'BF16' }), 'DTYPE', `${matrix}.scale`],
    ['unsigned integers', (w) => change(w, matrix, { dtype: 'U8' }), 'DTYPE', matrix],
    ['a matrix in float32', (w) => change(w, matrix, { dtype: 'F32', bytes: new Uint8Array(32 * 40 * 4) }), 'DTYPE', matrix],
    [
      'a norm in 8 bits',
      (w) => change(w, 'embeddings.LayerNorm.weight', { dtype: 'I8', bytes: new Uint8Array(32) }),
      'DTYPE',
      'embeddings.LayerNorm.weight',
    ],
    ['a scale that is NaN', (w) => poke(w, `${matrix}.scale`, 0x7e00), 'FORMAT', `${matrix}.scale`],
    ['a scale that is infinite', (w) => poke(w, `${matrix}.scale`, 0xfc00), 'FORMAT', `${matrix}.scale`],
  ];
  const change = (weights: Weights, name: string, to: Partial<Weight>) => {
    weights[name] = { ...(weights[name] as Weight), ...to };
  };
  const poke = (weights: Weights, name: string, half: number) => {
    const bits = new Uint16Array((weights[name] as Weight).bytes.slice().buffer);
    bits[bits.length - 1] = half;
    change(weights, name, { bytes: new Uint8Array(bits.buffer) });
  };

  it.each(refused)('with %s is refused by name, and leaves no memory behind', async (_, spoil, code, culprit) => {
    const weights = quantizedWeights(tinyWeights());
    spoil(weights);
    const engine = await engineWith(q8Files(weights));
    for (const dtype of ['q8', 'fp32'] as const) {
      const error = await failureOf(() => EncoderModel.load(engine, 'm', { dtype }));
      expect(error).toMatchObject({ code, culprit });
      expect(error.message).toContain(culprit);
      expect(engine.memory().storages).toBe(0);
    }
  });

  it('may hold −128 and negative scales: they count as what they are', async () => {
    const weights = quantizedWeights(tinyWeights());
    (weights[matrix] as Weight).bytes[0] = 0x80;
    poke(weights, `${matrix}.scale`, 0x9000);
    const model = await load(q8Files(weights));
    const state = new Map(stateOf(model).map((entry) => [entry.name, entry.bytes]));
    expect(state.get('layers.1.linear2.weight')).toEqual(weights[matrix]?.bytes);
    expect(state.get('layers.1.linear2.weight.scale')).toEqual(weights[`${matrix}.scale`]?.bytes);
  });

  it.each([
    { quant_method: 'bitsandbytes', load_in_8bit: true },
    { ...quantization_config, quant_method: 'gptq' },
    { ...quantization_config, bits: 2 },
    { ...quantization_config, group_size: 64 },
    { ...quantization_config, modules_to_not_convert: ['pooler'] },
    { quant_method: 'heed' },
  ])('that says %j is UNSUPPORTED', async (config) => {
    const engine = await engineWith(tinyFiles({ quantization_config: config }, quantizedWeights(tinyWeights())));
    const error = await failureOf(() => EncoderModel.load(engine, 'm'));
    expect(error).toMatchObject({ code: 'UNSUPPORTED', culprit: 'quantization_config' });
  });

  it.each([3, [], { quant_method: 8 }])('that says %j is FORMAT', async (config) => {
    const engine = await engineWith(tinyFiles({ quantization_config: config }, quantizedWeights(tinyWeights())));
    expect((await failureOf(() => EncoderModel.load(engine, 'm'))).code).toBe('FORMAT');
  });

  it('without a quantization_config is refused: integers are not weights', async () => {
    const engine = await engineWith(tinyFiles({}, quantizedWeights(tinyWeights())));
    expect(['DTYPE', 'MODEL_MISMATCH']).toContain((await failureOf(() => EncoderModel.load(engine, 'm'))).code);
  });
});

it('a float checkpoint that 8 bits cannot hold is refused by name', async () => {
  const weights = tinyWeights();
  const name = 'encoder.layer.0.attention.self.key.weight';
  const numbers = numbersOf(weights[name] as Weight);
  numbers[77] = 1e7;
  weights[name] = weightOf(numbers, [32, 32]);
  const engine = await engineWith(tinyFiles({}, weights));
  const error = await failureOf(() => EncoderModel.load(engine, 'm', { dtype: 'q8' }));
  expect(error).toMatchObject({ code: 'NUMERIC', culprit: name });
  expect(error.message).toContain("dtype 'fp32'");
  expect(engine.memory().storages).toBeLessThanOrEqual(1); // scratch
});

it.each(['int8', 'q2', 'fp16', 8, null])('dtype %j is UNSUPPORTED', async (dtype) => {
  const engine = await engineWith(tinyFiles());
  const error = await failureOf(() => EncoderModel.load(engine, 'm', { dtype } as unknown as PretrainedOptions));
  expect(error).toMatchObject({ code: 'UNSUPPORTED', culprit: 'dtype' });
});

it('does not train, says how it could, and has not changed; made float32, it does', async () => {
  const { encoder } = await load(q8Files());
  expect(() => encoder.train()).toThrow(expect.objectContaining({ code: 'UNSUPPORTED', cure: expect.stringContaining("dtype: 'fp32'") }));
  expect(encoder.training).toBe(false);
  const before = stateOf({ encoder } as Model);
  encoder.to('float32').train();
  expect(encoder.training).toBe(true);
  expect(() => encoder.to('q8')).toThrow(expect.objectContaining({ code: 'UNSUPPORTED' }));
  // What was rounded once is not rounded to something else.
  expect(stateOf({ encoder: encoder.eval().to('q8') } as Model)).toEqual(before);
});
