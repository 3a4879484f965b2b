/** Encoders of every family with every head: equal to what Hugging Face's say, padding included. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  AutoModel,
  AutoModelForMaskedLM,
  AutoModelForQuestionAnswering,
  AutoModelForSequenceClassification,
  AutoModelForTokenClassification,
  createEngine,
  type Engine,
  type ModelInputs,
} from '../../dist/entry/node.js';
import { HostTensor } from '../../dist/tensor.js';
import { numbersOf, readWeights, type Weight, type Weights } from './files.js';

const folder = fileURLToPath(new URL('../fixtures/hf', import.meta.url));
const json = (name: string, file = 'config.json') => JSON.parse(readFileSync(join(folder, name, file), 'utf8'));
const tensors = (name: string, file = 'expected'): Weights => readWeights(readFileSync(join(folder, name, `${file}.safetensors`)));

const autos = {
  Model: AutoModel,
  ForSequenceClassification: AutoModelForSequenceClassification,
  ForTokenClassification: AutoModelForTokenClassification,
  ForQuestionAnswering: AutoModelForQuestionAnswering,
  ForMaskedLM: AutoModelForMaskedLM,
};
type Kind = keyof typeof autos;

/** Every folder with an encoder's checkpoint, and what it is: config.json names the class. */
const cases = readdirSync(folder)
  .filter((name) => !/\.|bart|marian|t5/.test(name))
  .map((name) => {
    const [, , kind] = /^(Bert|DistilBert|ModernBert|MPNet|Roberta|XLMRoberta)(\w+)$/.exec(json(name).architectures[0]) ?? [];
    return { name, kind: kind as Kind };
  });

interface Loaded {
  (inputs: ModelInputs, options?: object): Promise<Record<string, HostTensor | HostTensor[]>>;
  encoder: Awaited<ReturnType<typeof AutoModel.from_pretrained>>['encoder'];
  save_pretrained(folder: string): Promise<void>;
  dispose(): void;
}
const load = ({ kind }: { kind: Kind }, path: string, options: object) =>
  autos[kind].from_pretrained(path, options) as unknown as Promise<Loaded>;

function inputsOf(name: string): { input_ids: number[][]; attention_mask: number[][] } {
  const expected = tensors(name);
  const rows = (key: string) => {
    const { bytes, shape } = expected[key] as Weight;
    return new HostTensor('int32', new Int32Array(bytes.slice().buffer), [...shape]).tolist() as number[][];
  };
  return { input_ids: rows('input_ids'), attention_mask: rows('attention_mask') };
}

/** The largest difference of two tensors [B, …, T, …] where `mask` says that the token counts: of axis `axis`. */
function distance(got: HostTensor, want: Weight, mask: readonly (readonly number[])[], axis: number | undefined): number {
  expect(got.dims).toEqual(want.shape);
  const numbers = numbersOf(want);
  const [B, T] = [mask.length, mask[0]?.length as number];
  const inner = axis === undefined ? 1 : want.shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  let most = 0;
  for (const [i, x] of numbers.entries()) {
    const [b, t] = [Math.floor(i / (numbers.length / B)), Math.floor(i / inner) % T];
    if (axis !== undefined && !mask[b]?.[t]) continue;
    const apart = Math.abs(x - (got.data[i] as number));
    if (!(apart <= most)) most = apart; // NaN stays
  }
  return most;
}

/** Which axis is that of tokens; none where there is a number for a text. */
const axisOf = (name: string, rank: number) => (name.startsWith('attn.') ? 2 : rank === 2 && !/_logits$/.test(name) ? undefined : 1);

async function expectHuggingFace(model: Loaded, name: string, tolerance = 1e-4): Promise<void> {
  const inputs = inputsOf(name);
  const { hidden_states, attentions, ...out } = await model(inputs, { output_hidden_states: true, output_attentions: true });
  const got: Record<string, HostTensor> = { ...(out as Record<string, HostTensor>) };
  for (const [i, x] of (hidden_states as HostTensor[]).entries()) got[`hidden.${i}`] = x;
  for (const [i, x] of (attentions as HostTensor[]).entries()) got[`attn.${i}`] = x;
  const wanted = Object.entries(tensors(name)).filter(([key]) => key !== 'input_ids' && key !== 'attention_mask');
  expect(wanted.length).toBeGreaterThan(0);
  for (const [key, want] of wanted)
    expect(distance(got[key] as HostTensor, want, inputs.attention_mask, axisOf(key, want.shape.length)), key).toBeLessThan(tolerance);
  expect(Object.keys(out).sort()).toEqual(
    wanted
      .map(([key]) => key)
      .filter((key) => !key.includes('.'))
      .sort(),
  );
}

describe.each([1, 2])('what Hugging Face says (%i threads)', (threads) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine({ threads, deterministic: true, inlineBelow: 0 });
    // The engine's own scratch memory grows with the first launches.
    const model = await AutoModel.from_pretrained(join(folder, 'modernbert'), { engine });
    await model(inputsOf('modernbert'));
    model.dispose();
  });
  afterAll(() => engine.dispose());

  it.each(cases)('of $name', async ({ name, kind }) => {
    const before = engine.memory();
    const model = await load({ kind }, join(folder, name), { engine });
    await expectHuggingFace(model, name);
    model.dispose();
    expect(engine.memory()).toMatchObject({ used: before.used, storages: before.storages });
  });
});
