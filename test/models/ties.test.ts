/** Tables that are one, or not: what a checkpoint holds decides, as transformers has it; and what is loaded is counted, rounded, saved and trained as what it is. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  AutoModel,
  AutoModelForMaskedLM,
  AutoModelForSeq2SeqLM,
  AutoModelForSequenceClassification,
  createEngine,
  type Engine,
  env,
  estimate,
  type HostTensor,
  LogLevel,
} from '../../dist/entry/node.js';
import { folderAt } from '../../dist/io/folder.js';
import { readParts } from '../../dist/models/parts.js';
import { loadPretrained } from '../../dist/models/pretrained.js';
import { quantizeCheckpoint } from '../../dist/models/quantize_checkpoint.js';
import { nodeRuntime } from '../../dist/runtime/node.js';
import { numbersOf, readWeights, type Weight } from './files.js';

const root = fileURLToPath(new URL('../fixtures/weights', import.meta.url));
const names = readdirSync(root, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? entry.name : []));
const autos = {
  seq2seq: AutoModelForSeq2SeqLM,
  mlm: AutoModelForMaskedLM,
  encoder: AutoModel,
  classify: AutoModelForSequenceClassification,
};

interface Loaded {
  (inputs: object): Promise<Record<string, HostTensor>>;
  save_pretrained(folder: string, options?: object): Promise<void>;
  dispose(): void;
}

const kindOf = (name: string) => JSON.parse(readFileSync(join(root, name, 'expected.json'), 'utf8')).kind as keyof typeof autos;
const expectedOf = (name: string) => readWeights(readFileSync(join(root, name, 'expected.safetensors')));
const load = async (name: string, path = join(root, name), options: object = {}) =>
  (await autos[kindOf(name)].from_pretrained(path, { engine, ...options })) as unknown as Loaded;

/** Logits or states, row by row. */
async function said(name: string, path?: string, options?: object): Promise<number[]> {
  const model = await load(name, path, options);
  const { input_ids, attention_mask, decoder_input_ids } = expectedOf(name);
  const rows = (weight: Weight | undefined) => {
    if (!weight) return undefined;
    const all = Array.from(new Int32Array(weight.bytes.slice().buffer));
    const T = weight.shape[1] as number;
    return [all.slice(0, T), all.slice(T)];
  };
  const inputs = {
    input_ids: rows(input_ids),
    attention_mask: rows(attention_mask),
    ...(decoder_input_ids && { decoder_input_ids: rows(decoder_input_ids) }),
  };
  const out = await model(inputs);
  model.dispose();
  return Array.from((out.logits ?? out.last_hidden_state)?.data as Float32Array);
}

let engine: Engine;
let folder: string;
let warnings: string[];
beforeAll(async () => {
  engine = await createEngine({ threads: 1, deterministic: true });
  folder = mkdtempSync(join(tmpdir(), 'heed-'));
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await engine.dispose();
});
beforeEach(() => {
  warnings = [];
  vi.spyOn(console, 'warn').mockImplementation((message) => void warnings.push(message));
});
afterEach(() => void vi.restoreAllMocks());

const apart = (a: readonly number[], b: readonly number[]) => a.reduce((most, x, i) => Math.max(most, Math.abs(x - (b[i] as number))), 0);

describe.each(names)('%s', (name) => {
  /** What PyTorch says, and which of its numbers are of tokens. */
  const wanted = () => {
    const { logits, last_hidden_state, attention_mask } = expectedOf(name);
    const out = (logits ?? last_hidden_state) as Weight;
    const mask = new Int32Array((attention_mask as Weight).bytes.slice().buffer);
    const perToken = ['mlm', 'encoder'].includes(kindOf(name));
    const each = out.shape[2] as number;
    return { numbers: Array.from(numbersOf(out)), counts: (i: number) => !perToken || mask[Math.floor(i / each)] === 1 };
  };

  it('equals transformers', async () => {
    const [got, { numbers, counts }] = [await said(name), wanted()];
    expect(got.length).toBe(numbers.length);
    expect(
      apart(
        got.filter((_, i) => counts(i)),
        numbers.filter((_, i) => counts(i)),
      ),
    ).toBeLessThan(1e-4);
  });

  it('is saved as what it is', async () => {
    const path = join(folder, name);
    const model = await load(name);
    await model.save_pretrained(path);
    model.dispose();
    expect(await said(name, path)).toEqual(await said(name));
  });

  it('is rounded to 8 bits, by whoever does it, to the same numbers', async () => {
    const path = join(folder, `${name}-q8`);
    const parts = await readParts(folderAt(nodeRuntime, join(root, name)));
    await quantizeCheckpoint(engine, parts, path);
    expect(await said(name, path)).toEqual(await said(name, undefined, { dtype: 'q8' }));
    const model = await load(name, undefined, { dtype: 'q8' });
    await model.save_pretrained(`${path}-too`);
    model.dispose();
    expect(await said(name, `${path}-too`)).toEqual(await said(name, path));
  });

  it('takes what was estimated', async () => {
    const guess = await estimate(join(root, name), { tokens: 8 });
    const own = await createEngine({ threads: 1 });
    const model = (await autos[kindOf(name)].from_pretrained(join(root, name), { engine: own })) as unknown as Loaded;
    // Whether copies are equal, and what is shared is used by none, only their bytes tell: then it is less.
    if (/_(copies|all_differ|decoder_differs)$/.test(name)) expect(own.memory().used).toBeLessThan(guess.weights);
    else expect(own.memory().used).toBe(guess.weights);
    model.dispose();
    await own.dispose();
  });
});

describe('a table', () => {
  const distinct = async (name: string, kind: 'encoder' | 'encoder-decoder' = 'encoder-decoder') => {
    const { module } = await loadPretrained(engine, join(root, name), kind, {}, { trainable: true });
    const keys = [...module.distinctParameters().keys()].filter((key) => /(embedding|lm_head|out)\.weight$/.test(key) && !/proj/.test(key));
    module.dispose();
    return keys.sort();
  };

  it('is trained once where copies are equal, and each where they differ', async () => {
    expect(await distinct('bart_copies')).toEqual(['embedding.weight']);
    expect(await distinct('bart_head_alone')).toEqual(['embedding.weight']);
    expect(await distinct('bart_all_differ')).toEqual(['decoder_embedding.weight', 'encoder_embedding.weight', 'lm_head.weight']);
    expect(await distinct('bart_decoder_differs')).toEqual(['decoder_embedding.weight', 'embedding.weight']);
    expect(await distinct('marian_unshared_copies')).toEqual(['decoder_embedding.weight', 'encoder_embedding.weight']);
  });

  it('that differs from what it is tied to is told of, and nothing else is', async () => {
    for (const name of ['bart_head_differs', 't5_false', 'bert_head_differs']) {
      warnings = [];
      (await load(name)).dispose();
      expect(warnings, name).toHaveLength(1);
      expect(warnings[0]).toMatch(/different numbers/);
    }
    env.logLevel = LogLevel.ERROR;
    warnings = [];
    (await load('bart_head_differs')).dispose();
    expect(warnings).toEqual([]);
    env.logLevel = LogLevel.WARNING;
    warnings = [];
    for (const name of ['bart_copies', 'bart_false', 'bart_head_alone', 'bert_copies', 'bert_false', 'bert_head_alone', 'marian_unshared'])
      (await load(name)).dispose();
    expect(warnings).toEqual([]);
  });
});
