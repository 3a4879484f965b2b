/** Encoders of every family with every head: equal to what Hugging Face's say, padding included; as good in 8 bits, saved and loaded again, in training, and bit by bit alone and in batches. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
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
import { crossEntropy } from '../../dist/ops/index.js';
import { HostTensor, tensor } from '../../dist/tensor.js';
import { someOf } from '../thorough.js';
import { expectDerivatives } from './derivatives.js';
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
  .filter((name) => !/\.|bart|marian|m2m_100|pegasus|t5/.test(name))
  .map((name) => ({ name, kind: Object.keys(autos).find((kind) => json(name).architectures[0].endsWith(kind)) as Kind }));

interface Loaded {
  (inputs: ModelInputs, options?: object): Promise<Record<string, HostTensor | HostTensor[]>>;
  encoder: Awaited<ReturnType<typeof AutoModel.from_pretrained>>['encoder'];
  save_pretrained(folder: string): Promise<void>;
  dispose(): void;
}
const load = ({ kind }: { kind: Kind }, path: string | Record<string, Uint8Array>, options: object) =>
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

  it.each(threads === 1 ? cases : someOf(cases))('of $name', async ({ name, kind }) => {
    const before = engine.memory();
    const model = await load({ kind }, join(folder, name), { engine });
    await expectHuggingFace(model, name);
    model.dispose();
    expect(engine.memory()).toMatchObject({ used: before.used, storages: before.storages });
  });
});

describe('every checkpoint', () => {
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

  it.each(someOf(cases))('is saved as it came, from training too: $name', async ({ name, kind }) => {
    for (const trainable of [false, true]) {
      const model = await load({ kind }, join(folder, name), { engine, trainable });
      await expectHuggingFace(model, name);
      await model.save_pretrained(join(out, name));
      model.dispose();
      const [saved, came] = [readWeights(readFileSync(join(out, name, 'model.safetensors'))), tensors(name, 'model')];
      // An output of its own has biases of its own: those beside it say nothing.
      const unread = name.endsWith('_untied') ? ['cls.predictions.bias', 'lm_head.bias'] : [];
      expect(saved).toEqual(Object.fromEntries(Object.entries(came).filter(([key]) => !unread.includes(key))));
      const config = JSON.parse(readFileSync(join(out, name, 'config.json'), 'utf8'));
      expect(config.architectures).toEqual(json(name).architectures);
    }
    const again = await load({ kind }, join(out, name), { engine });
    await expectHuggingFace(again, name);
    again.dispose();
  });

  it.each(someOf(cases))('says in 8 bits what it says with the weights that they stand for: $name', async ({ name, kind }) => {
    const model = await load({ kind }, join(folder, name), { engine, dtype: 'q8' });
    const held = [...model.encoder.namedParameters()].filter(([, { dtype }]) => dtype === 'q8').map(([key]) => key);
    expect(held.length).toBeGreaterThan(4);
    expect(held.filter((key) => /norm|bias|type|relative/.test(key))).toEqual([]);
    await (model.save_pretrained as (folder: string, options: object) => Promise<void>)(join(out, 'wide'), { dtype: 'fp32' });
    const wide = await load({ kind }, join(out, 'wide'), { engine });
    const [got, want] = [await model(inputsOf(name)), await wide(inputsOf(name))];
    for (const [key, { data }] of Object.entries(want as Record<string, HostTensor>)) {
      const numbers = Array.from(data as Float32Array);
      const scale = Math.max(...numbers.map(Math.abs));
      const apart = numbers.map((x, i) => Math.abs(x - ((got[key] as HostTensor).data[i] as number)));
      expect(Math.max(...apart) / scale, key).toBeLessThan(2e-3);
    }
    for (const made of [model, wide]) made.dispose();
  });
});

const families = ['bert', 'roberta', 'xlm_roberta', 'distilbert', 'mpnet', 'electra', 'modernbert'];

describe.each([1, 2])('bits (%i threads)', (threads) => {
  it.each([...families, 'modernbert_mean', 'roberta_mlm', 'mpnet_classify', 'electra_mlm'])(
    '%s: a row says alone what it says in a padded batch',
    async (name) => {
      const engine = await createEngine({ threads, deterministic: true, inlineBelow: 0 });
      const { kind } = cases.find((one) => one.name === name) as { kind: Kind };
      const model = await load({ kind }, join(folder, name), { engine });
      const pad = json(name).pad_token_id as number;
      const rows = [
        [5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
        [5, 30, 31, 6],
        [9, 8, 7, 6, 5, 4, 20, 21, 22],
      ];
      const all = { output_hidden_states: true };
      const batch = await model(
        {
          input_ids: rows.map((row) => [...row, ...Array(12 - row.length).fill(pad)]),
          attention_mask: rows.map((row) => Array.from({ length: 12 }, (_, t) => Number(t < row.length))),
        },
        all,
      );
      for (const [b, row] of rows.entries()) {
        const alone = await model({ input_ids: [row] }, all);
        const [inBatch, own] = [batch.hidden_states, alone.hidden_states].map((states) => (states as HostTensor[]).at(-1) as HostTensor);
        const width = own?.dims[2] as number;
        expect(Array.from(inBatch?.data.slice(b * 12 * width, (b * 12 + row.length) * width) ?? [])).toEqual(Array.from(own?.data ?? []));
        const scores = alone.logits as HostTensor | undefined;
        const size = scores?.data.length ?? 0;
        const from = (b * ((batch.logits as HostTensor | undefined)?.data.length ?? 0)) / 3;
        expect(Array.from((batch.logits as HostTensor | undefined)?.data.slice(from, from + size) ?? [])).toEqual(
          Array.from(scores?.data ?? []),
        );
      }
      await engine.dispose();
    },
  );
});

/** No dropout, by the names of all families. */
const certain = {
  ...{ hidden_dropout_prob: 0, attention_probs_dropout_prob: 0, classifier_dropout: 0, dropout: 0 },
  ...{ attention_dropout: 0, qa_dropout: 0, seq_classif_dropout: 0 },
};

/** A checkpoint's files, with another config. */
const changed = (name: string, config: object) => ({
  'config.json': new TextEncoder().encode(JSON.stringify({ ...json(name), ...config })),
  'model.safetensors': new Uint8Array(readFileSync(join(folder, name, 'model.safetensors'))),
});

describe('gradients', () => {
  it.each(someOf(cases.filter(({ name }) => !/^xlm|untied/.test(name))))(
    'of $name are the derivatives of its loss',
    async ({ name, kind }) => {
      const engine = await createEngine({ threads: 1, deterministic: true });
      const { encoder } = await load({ kind }, changed(name, certain), { engine, trainable: true });
      const ids = () => tensor(engine, Int32Array.of(2, 17, 40, 3, 12, 9, 2, 9, 3, 24, 1, 1), [2, 6]);
      const lossTensor = () => {
        const y = encoder.forward(ids(), [6, 4]);
        const rows = y.shape.slice(0, -1);
        const labels = Int32Array.from({ length: rows.reduce((a, b) => a * b, 1) }, (_, i) => (i > 9 ? -100 : i % 2));
        return crossEntropy(y, tensor(engine, labels, rows));
      };
      const parameters = [...encoder.namedParameters()].filter(([key]) => kind !== 'Model' || !key.startsWith('pooler.'));
      // ReLU has a corner, on which one of DistilBERT's units stands.
      const within = name === 'distilbert_classify' ? 0.1 : 0.03;
      expectDerivatives(engine, parameters, lossTensor, { within });
      await engine.dispose();
    },
  );
});
