/** wav2vec 2.0: equal to what Hugging Face's says of sounds of one length and of padded ones; saved and loaded again, in 8 bits, and in training. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AutoModel, AutoModelForCTC, createEngine, type Engine, estimate } from '../../dist/entry/node.js';
import { crossEntropy } from '../../dist/ops/index.js';
import { HostTensor, tensor } from '../../dist/tensor.js';
import { expectDerivatives } from './derivatives.js';
import { numbersOf, readWeights, type Weight, type Weights } from './files.js';

const folder = fileURLToPath(new URL('../fixtures/ctc', import.meta.url));
const tensors = (name: string, file = 'expected'): Weights => readWeights(readFileSync(join(folder, name, `${file}.safetensors`)));
const host = ({ bytes, shape }: Weight) => new HostTensor('float32', new Float32Array(bytes.slice().buffer), [...shape]);
const whole = ({ bytes, shape }: Weight) => new HostTensor('int32', new Int32Array(bytes.slice().buffer), [...shape]);
const inputsOf = (name: string, masked = false) => {
  const { input_values, attention_mask } = tensors(name);
  return { input_values: host(input_values as Weight), ...(masked && { attention_mask: whole(attention_mask as Weight) }) };
};
const kinds = ['group', 'layer'];

/** The largest difference over sounds of the steps that are sound; `time` is the axis of steps. */
function apart(got: HostTensor, want: Weight, lengths: readonly number[], time: number): number {
  expect(got.dims).toEqual(want.shape);
  const numbers = numbersOf(want);
  const inner = want.shape.slice(time + 1).reduce((a, b) => a * b, 1);
  const T = want.shape[time] as number;
  const row = numbers.length / lengths.length;
  let most = 0;
  for (const [i, x] of numbers.entries()) {
    if (Math.floor(i / inner) % T >= (lengths[Math.floor(i / row)] as number)) continue;
    const off = Math.abs(x - (got.data[i] as number));
    expect(off).not.toBeNaN();
    most = Math.max(most, off);
  }
  return most;
}

describe.each(kinds)('wav2vec 2.0, norms of the kind %s', (name) => {
  let engine: Engine;
  let out: string;
  beforeAll(async () => {
    engine = await createEngine({ threads: 2, deterministic: true, inlineBelow: 0 });
    out = mkdtempSync(join(tmpdir(), 'heed-'));
  });
  afterAll(async () => {
    rmSync(out, { recursive: true });
    await engine.dispose();
  });

  const expectHuggingFace = async (path: string) => {
    const model = await AutoModelForCTC.from_pretrained(path, { engine });
    const expected = tensors(name);
    const lengths = [...whole(expected.lengths as Weight).data].map(Number);
    for (const masked of [false, true]) {
      const options = { output_hidden_states: true, output_attentions: true } as const;
      const { logits, hidden_states, attentions } = await model(inputsOf(name, masked), options);
      const [before, steps] = masked ? ['masked.', lengths] : ['', [19, 19]];
      expect(apart(logits, expected[`${before}logits`] as Weight, steps, 1)).toBeLessThan(1e-4);
      expect(hidden_states.length).toBe(3);
      for (const [l, x] of hidden_states.entries())
        expect(apart(x, expected[`${before}hidden.${l}`] as Weight, steps, 1), `hidden ${l}`).toBeLessThan(1e-4);
      expect(attentions.length).toBe(2);
      for (const [l, x] of attentions.entries())
        expect(apart(x, expected[`${before}attn.${l}`] as Weight, steps, 2), `attention ${l}`).toBeLessThan(1e-4);
    }
    model.dispose();
  };

  it('says what Hugging Face says', () => expectHuggingFace(join(folder, name)));

  it('is saved as it came', async () => {
    const model = await AutoModelForCTC.from_pretrained(join(folder, name), { engine });
    await model.save_pretrained(out);
    model.dispose();
    const { 'wav2vec2.masked_spec_embed': _, ...came } = tensors(name, 'model');
    expect(readWeights(readFileSync(join(out, 'model.safetensors')))).toEqual(came);
    await expectHuggingFace(out);
  });

  it.each(['q8', 'q4'] as const)('says in %s what it says with the weights that they stand for', async (dtype) => {
    const small = await AutoModelForCTC.from_pretrained(join(folder, name), { engine, dtype });
    await small.save_pretrained(join(out, dtype), { dtype: 'fp32' });
    const wide = await AutoModelForCTC.from_pretrained(join(out, dtype), { engine });
    const [want, got] = [(await wide(inputsOf(name))).logits, (await small(inputsOf(name))).logits];
    const most = Math.max(...Array.from(want.data, (x) => Math.abs(Number(x))));
    const off = Math.max(...Array.from(want.data, (x, i) => Math.abs(Number(x) - Number(got.data[i]))));
    // The fixture's scores are small: they lack the mean over all steps.
    expect(off / most).toBeLessThan(dtype === 'q8' ? 3e-3 : 5e-2);
    for (const model of [wide, small]) model.dispose();
  });

  it('has states without a head, and is estimated before it is loaded', async () => {
    const model = await AutoModel.from_pretrained(join(folder, name), { engine });
    const { last_hidden_state } = await model(inputsOf(name));
    expect(apart(last_hidden_state, tensors(name).last_hidden_state as Weight, [19, 19], 1)).toBeLessThan(1e-4);
    model.dispose();
    const { parameters, activations } = await estimate(join(folder, name), { engine: { threads: 1 }, tokens: 19 });
    const { 'wav2vec2.masked_spec_embed': _, ...came } = tensors(name, 'model');
    expect(parameters).toBe(Object.values(came).reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0));
    expect(activations).toBeGreaterThan(0);
  });

  it('refuses what is no sound', async () => {
    const model = await AutoModelForCTC.from_pretrained(join(folder, name), { engine });
    const of = (...dims: number[]) => ({ data: new Float32Array(dims.reduce((a, b) => a * b, 1)), dims });
    for (const input_values of [undefined, 7, of(400), of(1, 1, 400), of(1, 20), { data: new Float32Array(3), dims: [1, 400] }])
      await expect(model({ input_values } as never)).rejects.toMatchObject({ code: 'ARGUMENT', culprit: 'input_values' });
    const input_values = of(1, 400);
    const mask = (from: number, to: number) => ({ data: new Int32Array(400).fill(1, from, to), dims: [1, 400] });
    await expect(model({ input_values, attention_mask: mask(100, 400) })).rejects.toMatchObject({ culprit: 'attention_mask' });
    await expect(model({ input_values, attention_mask: mask(0, 0) })).rejects.toMatchObject({ culprit: 'attention_mask' });
    await expect(model({ input_values, attention_mask: of(1, 399) })).rejects.toMatchObject({ code: 'SHAPE' });
    model.dispose();
  });

  it('has gradients that are the derivatives of its loss', async () => {
    const model = await AutoModelForCTC.from_pretrained(join(folder, name), { engine, trainable: true });
    const encoder = model.encoder;
    const { data, dims } = inputsOf(name).input_values;
    const targets = Int32Array.from({ length: 38 }, (_, i) => i % 12);
    const lossTensor = () => crossEntropy(encoder.forward(tensor(engine, data as Float32Array, dims)), tensor(engine, targets, [2, 19]));
    const keys = ['embeddings.positions.g', 'embeddings.positions.v', 'embeddings.waves.0.conv.weight', 'embeddings.waves.0.norm.weight'];
    const parameters = [...encoder.namedParameters()].filter(([key]) => keys.includes(key));
    expect(parameters).toHaveLength(keys.length);
    expectDerivatives(engine, parameters, lossTensor);
    model.dispose();
  });
});
