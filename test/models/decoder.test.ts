/** Decoders: equal to what Hugging Face's say, a whole text or token by token, in training, saved and loaded again. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEngine, type Engine } from '../../dist/entry/node.js';
import { givenFolder } from '../../dist/io/given.js';
import { joinSafetensors, writeSafetensors } from '../../dist/io/safetensors_writer.js';
import { type AnyArchitecture, registerArchitecture } from '../../dist/models/architecture.js';
import type { Decoder } from '../../dist/models/decoder.js';
import * as decoders from '../../dist/models/decoders.js';
import { loadPretrained } from '../../dist/models/pretrained.js';
import { quantizationConfig } from '../../dist/models/quantization.js';
import type { Origin } from '../../dist/models/save.js';
import { crossEntropy, reshape, valueAndGrad } from '../../dist/ops/index.js';
import { type HostTensor, type Tensor, tensor } from '../../dist/tensor.js';
import { numbersOf, readWeights, type Weight, type Weights, writeWeights } from './files.js';

registerArchitecture(...(Object.values(decoders) as AnyArchitecture[]));

const folder = fileURLToPath(new URL('../fixtures/causal', import.meta.url));
const tensors = (name: string, file = 'expected'): Weights => readWeights(readFileSync(join(folder, name, `${file}.safetensors`)));
const names = readdirSync(folder).filter((name) => !name.includes('.'));

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ threads: 2, deterministic: true, inlineBelow: 0 });
});
afterAll(() => engine.dispose());

const bytesOf = (text: string) => new TextEncoder().encode(text);
/** A fixture as heed's modules have it, or other weights with its config. */
const load = (name: string, weights = writeWeights(tensors(name, 'model')), config = {}) => {
  const own = JSON.parse(readFileSync(join(folder, name, 'config.json'), 'utf8'));
  const files = { 'config.json': bytesOf(JSON.stringify({ ...own, ...config })), 'model.safetensors': weights };
  return loadPretrained(engine, givenFolder(engine.runtime, files), 'decoder');
};

function inputsOf(name: string) {
  const { bytes, shape } = tensors(name).input_ids as Weight;
  return { ids: new Int32Array(bytes.slice().buffer), shape: shape as [number, number] };
}

function distance(got: HostTensor, want: Weight): number {
  expect(got.dims).toEqual(want.shape);
  return numbersOf(want).reduce((most, x, i) => Math.max(most, Math.abs(x - (got.data[i] as number))), 0);
}

/** What transformers 4 has in place of transformers 5's keys. */
function asBefore({ rope_parameters, layer_types, ...config }: Record<string, unknown>): Record<string, unknown> {
  if (!rope_parameters) return {};
  const { full_attention, sliding_attention, ...flat } = rope_parameters as Record<string, Record<string, unknown>>;
  const { rope_theta, partial_rotary_factor, rope_type, ...scaling } = full_attention ?? flat;
  const gone = { rope_parameters: undefined, layer_types: config.model_type === 'ministral' ? layer_types : undefined };
  const own = sliding_attention ? { rope_local_base_freq: sliding_attention.rope_theta, sliding_window_pattern: 2 } : {};
  const neox = config.model_type === 'gpt_neox' ? { rotary_emb_base: rope_theta, rotary_pct: partial_rotary_factor } : {};
  // LFM2 lists the layers that attend.
  const attending = (layer_types as string[] | undefined)?.flatMap((type, l) => (type === 'full_attention' ? [l] : []));
  const idxs = config.model_type === 'lfm2' ? { full_attn_idxs: attending } : {};
  const rope_scaling = rope_type === 'default' ? null : { type: rope_type, ...scaling };
  return { ...gone, rope_theta, partial_rotary_factor, rope_scaling, ...own, ...neox, ...idxs };
}

describe.each(names)('%s', (name) => {
  let model: Decoder;
  let origin: Origin;
  beforeAll(async () => {
    ({ module: model, origin } = await load(name));
  });
  afterAll(() => model.dispose());

  it("says what Hugging Face's says", async () => {
    const expected = tensors(name);
    const got = await engine.run(function* () {
      const { logits, hiddenStates, attentions } = yield* model.steps(inputsOf(name), { hiddenStates: true, attentions: true });
      const host = (x: Tensor) => x.toHost();
      return { logits: host(logits), hidden: hiddenStates.map(host), attn: attentions.map(host) };
    });
    expect(distance(got.logits, expected.logits as Weight)).toBeLessThan(1e-4);
    for (const kind of ['hidden', 'attn'] as const) {
      expect(got[kind].length).toBe(Object.keys(expected).filter((key) => key.startsWith(`${kind}.`)).length);
      for (const [i, x] of got[kind].entries()) expect(distance(x, expected[`${kind}.${i}`] as Weight), `${kind}.${i}`).toBeLessThan(1e-4);
    }
  });

  it('reads the config as transformers 4 writes it', async () => {
    const { ids, shape } = inputsOf(name);
    const { module: old } = await load(name, undefined, asBefore(JSON.parse(readFileSync(join(folder, name, 'config.json'), 'utf8'))));
    const [one, other] = [model, old].map((of) => engine.scope(() => of.forward(tensor(engine, ids, shape)).toHost().data));
    expect(one).toEqual(other);
    old.dispose();
  });

  it('has the same bits token by token', async () => {
    const { ids, shape } = inputsOf(name);
    const [B, T] = shape;
    const column = (from: number, to: number) =>
      Int32Array.from({ length: B * (to - from) }, (_, i) => ids[Math.floor(i / (to - from)) * T + from + (i % (to - from))] as number);
    const before = engine.memory();
    const { whole, pieces } = await engine.run(function* () {
      const { logits } = yield* model.steps({ ids, shape });
      const state = model.start();
      const parts: HostTensor[] = [];
      // A prompt, two tokens, then one by one.
      for (const [from, to] of [[0, 5], [5, 7], ...Array.from({ length: T - 7 }, (_, t) => [7 + t, 8 + t])] as [number, number][]) {
        const step = yield* model.decode(column(from, to), [B, to - from], state);
        parts.push(step.logits.toHost());
      }
      state.dispose();
      return { whole: logits.toHost(), pieces: parts };
    });
    const V = whole.dims[2] as number;
    let t = 0;
    for (const { data, dims } of pieces) {
      const steps = dims[1] as number;
      for (let b = 0; b < B; b++)
        expect(data.subarray(b * steps * V, (b + 1) * steps * V)).toEqual(whole.data.subarray((b * T + t) * V, (b * T + t + steps) * V));
      t += steps;
    }
    expect(t).toBe(T);
    expect(engine.memory()).toMatchObject({ used: before.used, storages: before.storages });
  });

  it('gives rows that began at different times, together, the bits that each has alone', async () => {
    const { ids, shape } = inputsOf(name);
    const T = shape[1];
    const before = engine.memory();
    const { alone, together } = await engine.run(function* () {
      const row = (b: number, from: number, to: number) => ids.slice(b * T + from, b * T + to);
      const wholes: Float32Array[] = [];
      for (const b of [0, 1]) wholes.push((yield* model.steps({ ids: row(b, 0, T), shape: [1, T] })).logits.toHost().data as Float32Array);
      // The second row comes when the first has 7 tokens, and has 3.
      const [state, other] = [model.start(), model.start()];
      yield* model.decode(row(0, 0, 7), [1, 7], state);
      yield* model.decode(row(1, 0, 3), [1, 3], other);
      state.join(other);
      other.dispose();
      expect([state.rows, state.length, state.from]).toEqual([2, 7, [7, 3]]);
      const got: Float32Array[] = [];
      for (const [at, count] of [
        [0, 1],
        [1, 2],
        [3, 1],
      ] as const) {
        const next = [...row(0, 7 + at, 7 + at + count), ...row(1, 3 + at, 3 + at + count)];
        got.push((yield* model.decode(Int32Array.from(next), [2, count], state)).logits.toHost().data as Float32Array);
      }
      // The first one leaves.
      state.reorder([1]);
      got.push((yield* model.decode(row(1, 7, 9), [1, 2], state)).logits.toHost().data as Float32Array);
      expect(state.from).toBe(9);
      state.dispose();
      return { alone: wholes, together: got };
    });
    const V = model.dims.V;
    const part = (b: number, from: number, count: number) => Array.from((alone[b] as Float32Array).slice(from * V, (from + count) * V));
    const want = [
      [...part(0, 7, 1), ...part(1, 3, 1)],
      [...part(0, 8, 2), ...part(1, 4, 2)],
      [...part(0, 10, 1), ...part(1, 6, 1)],
      part(1, 7, 2),
    ];
    for (const [i, data] of together.entries()) expect(Array.from(data), `step ${i}`).toEqual(want[i]);
    expect(engine.memory()).toMatchObject({ used: before.used, storages: before.storages });
  });

  it('is written as it came', () => {
    const came = tensors(name, 'model');
    const saved = readWeights(joinSafetensors(writeSafetensors([...origin.tensors('float32')])));
    expect(saved).toEqual(came);
  });

  it('says in 8 bits what it says with the weights that they stand for, from a file too', async () => {
    const { ids, shape } = inputsOf(name);
    const logitsOf = (module: Decoder) => engine.scope(() => module.forward(tensor(engine, ids, shape)).toHost().data);
    const { module: rounded, origin: from } = await load(name);
    rounded.to('q8');
    const file = joinSafetensors(writeSafetensors([...from.tensors('q8')]));
    const { module: read } = await load(name, file, { quantization_config: quantizationConfig('q8') });
    expect([...read.namedParameters()].map(([, { dtype }]) => dtype)).toContain('q8');
    expect(logitsOf(read)).toEqual(logitsOf(rounded));
    rounded.to('float32');
    const [wide, narrow] = [logitsOf(rounded), logitsOf(read)].map((data) => [...(data as Float32Array)]) as [number[], number[]];
    expect(Math.max(...wide.map((x, i) => Math.abs(x - (narrow[i] as number))))).toBeLessThan(2e-3);
    for (const module of [rounded, read]) module.dispose();
  });

  it('has a gradient for every weight in training, and the same logits', async () => {
    const { ids, shape } = inputsOf(name);
    const config = JSON.parse(readFileSync(join(folder, name, 'config.json'), 'utf8'));
    const drops = Object.keys(config).filter((key) => /dropout$|_pdrop$/.test(key));
    const { module } = await load(name, undefined, Object.fromEntries(drops.map((key) => [key, 0])));
    const logitsOf = () => engine.scope(() => module.forward(tensor(engine, ids, shape)).toHost().data);
    const want = logitsOf();
    module.train();
    engine.scope(() => {
      const targets = tensor(engine, ids, [ids.length]);
      valueAndGrad(engine, () => {
        const logits = module.forward(tensor(engine, ids, shape));
        expect(Math.max(...logits.toHost().data.map((x, i) => Math.abs(x - (want[i] as number))))).toBeLessThan(1e-5);
        return crossEntropy(reshape(logits, [ids.length, -1]), targets);
      });
    });
    for (const [key, { grad }] of module.namedParameters())
      expect(
        grad?.toHost().data.some((x) => x !== 0),
        key,
      ).toBe(true);
    module.dispose();
  });
});
