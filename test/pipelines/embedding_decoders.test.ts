/** Decoders as encoders: states, sentence vectors and classes as transformers and sentence-transformers have them, and what becomes of such models. */
import { readdirSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  AutoModel,
  AutoModelForCausalLM,
  AutoModelForMaskedLM,
  AutoModelForSequenceClassification,
  createEngine,
  estimate,
  type HostTensor,
  pipeline,
} from 'heed';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { readTensors } from '../generation/tensors.js';

const at = (path: string) => fileURLToPath(new URL(`../fixtures/${path}`, import.meta.url));
const folder = (name: string) => at(`embedding_decoders/${name}`);
const expected = JSON.parse(await readFile(folder('expected.json'), 'utf8'));
const engine = await createEngine({ threads: 1, deterministic: true });
const temporary = await mkdtemp(join(tmpdir(), 'heed-decoders-'));
afterAll(async () => {
  await engine.dispose();
  await rm(temporary, { recursive: true });
});

const sides = ['right', 'left'] as const;
type Rows = number[][];
const near = (got: { data: ArrayLike<number> }, want: Rows, tolerance = 1e-4) => {
  const flat = want.flat();
  expect(got.data).toHaveLength(flat.length);
  const apart = flat.reduce((most, x, i) => Math.max(most, Math.abs(x - (got.data[i] as number))), 0);
  expect(apart).toBeLessThan(tolerance);
};
const inputsOf = (side: 'left' | 'right', of = expected.states) => {
  const { input_ids, attention_mask } = of[side];
  return { input_ids, attention_mask } as { input_ids: Rows; attention_mask: Rows };
};

describe.each([
  ['embed', expected.states],
  ['gemma', expected.gemma_states],
])('AutoModel of a decoder: %s', async (name, states) => {
  const model = await AutoModel.from_pretrained(folder(name), { engine });

  it.each(sides)('gives the states of the base model, padded on the %s', async (side) => {
    const { attention_mask } = inputsOf(side, states);
    const out = await model(inputsOf(side, states), { output_hidden_states: true, output_attentions: true });
    expect(Object.keys(out).sort()).toEqual(['attentions', 'hidden_states', 'last_hidden_state']);
    const [B, T] = [attention_mask.length, (attention_mask[0] as number[]).length];
    // States of padding are nobody's.
    const counts = attention_mask.flat();
    const own = (rows: Rows) => rows.filter((_, i) => counts[i]);
    const told = ({ data }: HostTensor) =>
      own(Array.from({ length: B * T }, (_, i) => Array.from(data.subarray(i * 24, i * 24 + 24), Number)));
    near({ data: told(out.last_hidden_state).flat() }, own(states[side].last_hidden_state));
    for (const [l, want] of (states[side].hidden_states as Rows[]).entries())
      near({ data: told(out.hidden_states[l] as HostTensor).flat() }, own(want));
    const looks = (rows: Rows) => rows.filter((_, i) => counts[Math.floor(i / (4 * T)) * T + (i % T)]);
    for (const [l, want] of (states[side].attentions as Rows[]).entries()) {
      const { data } = out.attentions[l] as HostTensor;
      const got = want.map((_, i) => Array.from(data.subarray(i * T, i * T + T), Number));
      near({ data: looks(got).flat() }, looks(want));
    }
    expect([...out.last_hidden_state.data].every(Number.isFinite)).toBe(true);
  });

  it('is saved and loaded as Hugging Face names it', async () => {
    const out = join(temporary, name);
    await model.save_pretrained(out);
    const [saved, came] = await Promise.all([out, folder(name)].map(async (path) => namesIn(path)));
    expect(saved).toEqual(came);
    const again = await AutoModel.from_pretrained(out, { engine });
    expect(await again(inputsOf('right'))).toEqual(await model(inputsOf('right')));
    again.dispose();
  });
});

describe('AutoModel of a language model', () => {
  it.each(readdirSync(at('causal')).filter((name) => !name.includes('.')))('has the states of %s', async (name) => {
    const model = await AutoModel.from_pretrained(at(`causal/${name}`), { engine });
    const want = readTensors(at(`causal/${name}/expected.safetensors`));
    const { hidden_states } = await model({ input_ids: want.input_ids as HostTensor }, { output_hidden_states: true });
    for (const [l, states] of hidden_states.entries()) near(states, [Array.from(want[`hidden.${l}`]?.data ?? [], Number)]);
    model.dispose();
  });

  it('leaves out the scores of a language model, and says no word of them', async () => {
    const causal = at('causal/llama');
    const warn = vi.spyOn(console, 'warn');
    const states = await AutoModel.from_pretrained(causal, { engine });
    expect(warn).not.toHaveBeenCalled();
    warn.mockRestore();
    const writer = await AutoModelForCausalLM.from_pretrained(causal, { engine });
    const ids = [[5, 9, 33, 71, 8]];
    const { last_hidden_state } = await states({ input_ids: ids });
    const { hidden_states } = await writer({ input_ids: ids }, { output_hidden_states: true });
    expect(last_hidden_state).toEqual(hidden_states?.at(-1));
    for (const made of [states, writer]) made.dispose();
  });

  it('is all that there is of one whose tokens see what comes after them', async () => {
    const refused = AutoModelForCausalLM.from_pretrained(folder('gemma'), { engine });
    await expect(refused).rejects.toMatchObject({ code: 'UNSUPPORTED', cure: expect.stringContaining('AutoModel') });
    expect(await estimate(folder('gemma'), { tokens: 8 })).toMatchObject({ architecture: 'gemma3_text', tokens: 8 });
  });
});

async function namesIn(path: string): Promise<string[]> {
  const bytes = await readFile(join(path, 'model.safetensors'));
  return Object.keys(JSON.parse(bytes.toString('utf8', 8, 8 + Number(bytes.readBigUInt64LE(0)))))
    .filter((name) => name !== '__metadata__')
    .sort();
}

describe('feature extraction', () => {
  it('pools the last token, or the mean, whatever stands beside a text', async () => {
    const extract = await pipeline('feature-extraction', folder('embed'), { engine });
    const texts = expected.texts as string[];
    const { attention_mask, last_hidden_state } = expected.states.right as { attention_mask: Rows; last_hidden_state: Rows };
    const states = attention_mask.map((mask, b) => {
      const T = mask.length;
      return last_hidden_state.slice(b * T, b * T + mask.filter(Boolean).length);
    });
    near(
      await extract(texts, { pooling: 'last_token' }),
      states.map((rows) => rows.at(-1) as number[]),
    );
    const mean = (rows: Rows) => rows[0]?.map((_, c) => rows.reduce((sum, row) => sum + (row[c] as number), 0) / rows.length) as number[];
    near(await extract(texts, { pooling: 'mean' }), states.map(mean));
    expect((await extract(texts)).dims).toEqual([4, 9, 24]);
    extract.dispose();
  });

  it.each([
    ['last_token', 'embed', 'last_token'],
    ['heads', 'embed', 'heads'],
    ['gemma', 'gemma', 'heads'],
  ])('does what sentence-transformers writes into a folder: %s', async (name, model, modules) => {
    const made = await mkdtemp(join(temporary, 'sentences-'));
    for (const from of [model, modules]) await cp(folder(from), made, { recursive: true });
    const extract = await pipeline('feature-extraction', made, { engine });
    for (const method of ['encode', 'encode_query', 'encode_document'] as const)
      near(await extract[method](expected.texts), expected[name][method], 1e-5);
    extract.dispose();
  });
});

describe('a decoder that classifies', async () => {
  const model = await AutoModelForSequenceClassification.from_pretrained(folder('classify'), { engine });

  it.each(sides)('scores the last token of texts that are padded on the %s', async (side) => {
    near((await model(inputsOf(side))).logits, expected.classify[side]);
  });

  it('classifies texts and pairs', async () => {
    const classify = await pipeline('text-classification', folder('rerank'), { engine });
    const pairs = (expected.pairs as [string, string][]).map(([text, text_pair]) => ({ text, text_pair }));
    near({ data: (await classify(pairs)).map(({ score }) => score) }, [expected.rerank.scores], 1e-5);
    classify.dispose();
  });

  it('ranks documents as CrossEncoder does', async () => {
    const { rank, dispose } = await pipeline('text-classification', folder('rerank'), { engine });
    const [[query]] = expected.pairs as [[string, string]];
    const documents = (expected.pairs as [string, string][]).map(([, document]) => document);
    const want = expected.rerank.rank as { corpus_id: number; score: number }[];
    const all = await rank(query, documents);
    expect(all.map(({ corpus_id }) => corpus_id)).toEqual(want.map(({ corpus_id }) => corpus_id));
    near({ data: all.map(({ score }) => score) }, [want.map(({ score }) => score)], 1e-5);
    const [first] = all as [(typeof all)[0]];
    expect(await rank(query, documents, { top_k: 1, return_documents: true })).toEqual([{ ...first, text: documents[first.corpus_id] }]);
    const logits = await rank(query, documents, { function_to_apply: 'none', top_k: null });
    near({ data: logits.map(({ score }) => 1 / (1 + Math.exp(-score))) }, [all.map(({ score }) => score)], 1e-6);
    expect(await rank(query, [])).toEqual([]);
    const refused = [
      [{ top_k: 0 }, 'top_k'],
      [{ return_documents: 1 }, 'return_documents'],
      [{ function_to_apply: 'tanh' }, 'function_to_apply'],
    ] as const;
    for (const [options, culprit] of refused)
      await expect(rank(query, documents, options as object)).rejects.toMatchObject({ code: 'ARGUMENT', culprit });
    await expect(rank(query, [1] as never)).rejects.toMatchObject({ code: 'ARGUMENT', culprit: 'documents' });
    await expect(rank(1 as never, documents)).rejects.toMatchObject({ code: 'ARGUMENT', culprit: 'query' });
    dispose();
    const three = await pipeline('text-classification', folder('classify'), { engine });
    await expect(three.rank(query, documents)).rejects.toMatchObject({ code: 'UNSUPPORTED', culprit: 'model' });
    three.dispose();
  });

  it.each([
    [{ sentence_transformers: { activation_fn: 'torch.nn.modules.linear.Identity' } }, 'none'],
    [{ sbert_ce_default_activation_function: 'torch.nn.modules.activation.Sigmoid' }, 'sigmoid'],
    [{ sentence_transformers: { activation_fn: 'torch.nn.modules.activation.Tanh' } }, undefined],
  ] as const)('scores as the folder of a cross-encoder says: %j', async (more, function_to_apply) => {
    const made = await mkdtemp(join(temporary, 'rerank-'));
    await cp(folder('rerank'), made, { recursive: true });
    const config = JSON.parse(await readFile(join(made, 'config.json'), 'utf8'));
    await writeFile(join(made, 'config.json'), JSON.stringify({ ...config, ...more }));
    const reranker = await pipeline('text-classification', made, { engine });
    const ranked = reranker.rank('a', ['b', 'c']);
    if (function_to_apply) expect(await ranked).toEqual(await reranker.rank('a', ['b', 'c'], { function_to_apply }));
    else await expect(ranked).rejects.toMatchObject({ code: 'UNSUPPORTED', culprit: 'activation_fn' });
    reranker.dispose();
  });

  it('is saved, quantized, estimated and trained as encoders are', async () => {
    const out = join(temporary, 'classify');
    await model.save_pretrained(out);
    expect(await namesIn(out)).toEqual(await namesIn(folder('classify')));
    const q8 = await AutoModelForSequenceClassification.from_pretrained(out, { engine, dtype: 'q8' });
    near((await q8(inputsOf('left'))).logits, expected.classify.left, 0.2);
    q8.dispose();
    expect(await estimate(folder('classify'), { tokens: 8 })).toMatchObject({ architecture: 'llama', tokens: 8 });
    const learner = await AutoModelForSequenceClassification.from_pretrained(folder('embed'), { engine, trainable: true, num_labels: 2 });
    const examples = ['a cat', 'a dog', 'two cats', 'two dogs'].map((text, i) => ({ text, label: i % 2 }));
    await learner.fit(examples, { epochs: 40, batchSize: 4, lr: 5e-3 });
    const labels = (await learner.classify(examples.map(({ text }) => text))) as { label: string }[];
    expect(labels.map(({ label }) => label)).toEqual(['LABEL_0', 'LABEL_1', 'LABEL_0', 'LABEL_1']);
    learner.dispose();
  });

  it('has no heads that there are not', async () => {
    const masked = AutoModelForMaskedLM.from_pretrained(folder('classify'), { engine });
    await expect(masked).rejects.toMatchObject({ code: 'UNSUPPORTED', cure: expect.stringContaining('SequenceClassification') });
    const writer = AutoModelForCausalLM.from_pretrained(folder('classify'), { engine });
    await expect(writer).rejects.toMatchObject({ code: 'MODEL_MISMATCH', culprit: 'lm_head.weight' });
  });
});
