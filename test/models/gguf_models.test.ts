/** Decoders out of GGUF files, as gguf-py writes them: equal to what Hugging Face's say of the same weights, saved under Hugging Face's names, and loaded again. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AutoModelForCausalLM, type CausalLM, createEngine, type Engine } from '../../dist/entry/node.js';
import { GgufKeys } from '../../dist/models/gguf_keys.js';
import { rotaryInGguf } from '../../dist/models/gguf_rotary.js';
import { numbersOf, readWeights, type Weight } from './files.js';

const at = (path: string) => fileURLToPath(new URL(`../fixtures/${path}`, import.meta.url));
const names = readdirSync(at('gguf/models')).map((file) => file.replace('.gguf', ''));

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ threads: 1, deterministic: true });
});
afterAll(() => engine.dispose());

describe.each(names)('%s', (name) => {
  const read = (file: string) => readWeights(readFileSync(at(`causal/${name}/${file}.safetensors`)));
  const expected = read('expected');
  let model: CausalLM;
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'heed-gguf-'));
    model = await AutoModelForCausalLM.from_pretrained(at(`gguf/models/${name}.gguf`), { engine });
  });
  afterAll(() => {
    model.dispose();
    rmSync(folder, { recursive: true });
  });

  it("says what Hugging Face's says", async () => {
    const { bytes, shape } = expected.input_ids as Weight;
    const all = [...new Int32Array(bytes.slice().buffer)];
    const T = shape[1] as number;
    const { logits } = await model({ input_ids: Array.from({ length: shape[0] as number }, (_, b) => all.slice(b * T, (b + 1) * T)) });
    const want = numbersOf(expected.logits as Weight);
    expect(want.reduce((most, x, i) => Math.max(most, Math.abs(x - (logits.data[i] as number))), 0)).toBeLessThan(1e-4);
  });

  it("is saved under Hugging Face's names", async () => {
    await model.save_pretrained(folder);
    const [saved, came] = [readWeights(readFileSync(join(folder, 'model.safetensors'))), read('model')];
    expect(Object.keys(saved).sort()).toEqual(Object.keys(came).sort());
    for (const [key, weight] of Object.entries(came)) {
      expect(saved[key]?.shape, key).toEqual(weight.shape);
      const [one, other] = [numbersOf(weight), numbersOf(saved[key] as Weight)];
      expect(
        one.reduce((most, x, i) => Math.max(most, Math.abs(x - (other[i] as number))), 0),
        key,
      ).toBeLessThan(1e-6);
    }
    const again = await AutoModelForCausalLM.from_pretrained(folder, { engine });
    const row = { input_ids: [[5, 9, 3, 7]] };
    expect((await again(row)).logits.data).toEqual((await model(row)).logits.data);
    again.dispose();
  });
});

describe('rotary positions of a GGUF file', () => {
  const told = (keys: Record<string, number | string>) => {
    const all = { embedding_length: 64, 'attention.head_count': 4, context_length: 256, ...keys };
    const metadata = new Map(Object.entries(all).map(([key, value]) => [`llama.${key}`, value]));
    return JSON.parse(JSON.stringify(rotaryInGguf(new GgufKeys('a.gguf', metadata, 'llama', new Set()))));
  };

  it.each([
    ['as they are', { 'rope.freq_base': 5000 }, { rope_theta: 5000 }],
    ['for a share of a head', { 'rope.dimension_count': 4 }, { partial_rotary_factor: 0.25 }],
    ['for a whole head of its own size', { 'rope.dimension_count': 32, 'attention.key_length': 32 }, {}],
    ['scaled by nothing', { 'rope.scaling.type': 'none' }, {}],
    ['scaled linearly', { 'rope.scaling.type': 'linear', 'rope.scaling.factor': 4 }, { rope_scaling: { rope_type: 'linear', factor: 4 } }],
  ])('%s', (_, keys, want) => {
    expect(told(keys)).toEqual(want);
  });
});
