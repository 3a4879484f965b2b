/**
 * What is asked of a folder: each task's pipeline, an estimate, its tokenizer, and to be written in 8 bits. Each use gives an answer to compare, and throws where
 * the answer cannot be right, whatever the folder holds: shapes that are none, labels that the model does not have, places outside of the text.
 */
import type { Engine } from '../../dist/engine/engine.js';
import { folderAt } from '../../dist/io/folder.js';
import { estimate } from '../../dist/models/estimate.js';
import { readParts } from '../../dist/models/parts.js';
import { quantizeCheckpoint } from '../../dist/models/quantize_checkpoint.js';
import { FeatureExtractionPipeline } from '../../dist/pipelines/feature_extraction.js';
import { FillMaskPipeline } from '../../dist/pipelines/fill_mask.js';
import { QuestionAnsweringPipeline } from '../../dist/pipelines/question_answering.js';
import { TextClassificationPipeline } from '../../dist/pipelines/text_classification.js';
import { TokenClassificationPipeline } from '../../dist/pipelines/token_classification.js';
import { ZeroShotClassificationPipeline } from '../../dist/pipelines/zero_shot_classification.js';
import { Tokenizer } from '../../dist/text/tokenizer.js';
import { expectTensor } from './inputs.js';
import type { Specimen, TaskName } from './specimens.js';

/** `text`: which of a few. `wild`: weights of which some may be no numbers. */
export interface Asked {
  readonly engine: Engine;
  readonly folder: string;
  readonly options: Specimen['options'];
  readonly text: number;
  readonly wild: boolean;
}

/** The second takes patterns that go back a long time. */
export const texts = ['A cat, 42! [MASK] wörld 字', `a [MASK] cat, a\u0301 \ufb01 ${'a'.repeat(40)}=`, '[MASK]\ud800 \0', ''];
const labels = ['cats', 'a dog', 'wörld'];

function expect(holds: boolean, what: string, value?: unknown): void {
  if (!holds) throw new Error(`${what}${value === undefined ? '' : `: ${JSON.stringify(value)?.slice(0, 300)}`}`);
}
const text = ({ text: i }: Asked) => texts[i % texts.length] as string;
/** One that is not empty, and so has a mask. */
const masked = ({ text: i }: Asked) => texts[i % 3] as string;
const isScore = (score: unknown, wild: boolean) =>
  typeof score === 'number' && ((score >= 0 && score <= 1.00001) || (wild && Number.isNaN(score)));
const isPlace = (start: unknown, end: unknown, of: string) =>
  Number.isInteger(start) &&
  Number.isInteger(end) &&
  (start as number) >= 0 &&
  (start as number) <= (end as number) &&
  (end as number) <= of.length;

/** Loads, asks, and disposes of what was loaded. */
const through =
  <P extends { dispose(): void }>(
    load: (engine: Engine, folder: string, options: Specimen['options']) => Promise<P>,
    ask: (pipeline: P, asked: Asked) => Promise<unknown>,
  ) =>
  async (asked: Asked): Promise<unknown> => {
    const pipeline = await load(asked.engine, asked.folder, asked.options);
    try {
      return await ask(pipeline, asked);
    } finally {
      pipeline.dispose();
    }
  };

export const tasks: Readonly<Record<TaskName, (asked: Asked) => Promise<unknown>>> = {
  'feature-extraction': through(FeatureExtractionPipeline.load, async (pipeline, asked) => {
    const { C, positions } = pipeline.model.encoder.dims;
    const out = await pipeline(text(asked));
    expectTensor(out, [1, undefined, C], asked.wild);
    const [length, rows] = [pipeline.tokenizer.encode(text(asked)).length, out.dims[1] as number];
    expect(rows === length || (rows < length && rows <= positions), `${length} tokens became ${rows}`);
    return Array.from(out.data);
  }),

  'text-classification': through(TextClassificationPipeline.load, async (pipeline, asked) => {
    const out = (await pipeline(text(asked), { top_k: null })) as { label: string; score: number }[];
    const known: readonly string[] = pipeline.model.labels;
    expect(out.length === known.length, `${out.length} of ${known.length} labels`);
    for (const { label, score } of out) expect(known.includes(label) && isScore(score, asked.wild), 'no label', { label, score });
    return out;
  }),

  'zero-shot-classification': through(ZeroShotClassificationPipeline.load, async (pipeline, asked) => {
    const out = await pipeline(text(asked), labels, { multi_label: asked.text % 2 === 1 });
    expect([...out.labels].sort().join() === [...labels].sort().join(), 'other labels', out);
    expect(out.scores.length === labels.length && out.scores.every((score) => isScore(score, asked.wild)), 'no scores', out);
    return out;
  }),

  'token-classification': through(TokenClassificationPipeline.load, async (pipeline, asked) => {
    const strategy = (['none', 'simple', 'average', 'max'] as const)[asked.text % 4] as 'simple';
    const out = await pipeline(text(asked), { aggregation_strategy: strategy, ignore_labels: [] });
    const known = pipeline.model.labels;
    for (const one of out as unknown as Record<string, unknown>[]) {
      const label = (one.entity ?? one.entity_group) as string;
      const named = known.includes(label) || known.some((own) => own.replace(/^[BI]-/, '') === label);
      expect(named && typeof one.word === 'string' && isScore(one.score, asked.wild), 'no entity', one);
      expect(isPlace(one.start, one.end, text(asked)), 'no place', one);
    }
    return out;
  }),

  'question-answering': through(QuestionAnsweringPipeline.load, async (pipeline, asked) => {
    const context = `${masked(asked)} ${'a cat '.repeat(asked.text * 3)}`;
    const out = await pipeline('a?', context, { top_k: 3, handle_impossible_answer: asked.text % 2 === 1 });
    for (const { answer, score, start, end } of out) {
      expect(isPlace(start, end, context) && answer === context.slice(start, end), 'no place', { answer, start, end });
      expect(isScore(score, asked.wild), 'no score', score);
    }
    return out;
  }),

  'fill-mask': through(FillMaskPipeline.load, async (pipeline, asked) => {
    const out = await pipeline(masked(asked));
    const size = pipeline.model.encoder.dims.V;
    for (const { token, token_str, sequence, score } of (out as unknown[]).flat() as Record<string, unknown>[]) {
      expect(Number.isInteger(token) && (token as number) >= 0 && (token as number) < size, 'no token', token);
      expect(typeof token_str === 'string' && typeof sequence === 'string' && isScore(score, asked.wild), 'no guess', { token_str, score });
    }
    return out;
  }),
};

async function estimated({ engine, folder, options }: Asked): Promise<unknown> {
  const { runtime } = engine;
  const out = await estimate(runtime, folderAt(runtime, folder), { ...options, tokens: 8, engine: { threads: 1 } });
  const { parameters, weights, activations, memory, loading } = out;
  for (const bytes of [parameters, weights, activations, memory, loading]) expect(Number.isSafeInteger(bytes) && bytes > 0, 'no size', out);
  expect(memory >= weights, 'less than the weights', out);
  // How long the files are is no part of the answer.
  return [out.architecture, out.dtype, parameters, weights, activations];
}

async function tokenized(asked: Asked): Promise<unknown> {
  const tokenizer = await Tokenizer.load(folderAt(asked.engine.runtime, asked.folder));
  const [first, second] = [text(asked), 'cat [MASK] 42,字 a'];
  const windows = tokenizer.encodings(first, { text_pair: second, truncation: true, max_length: 12, stride: 1 });
  const whole = tokenizer.encodings(first);
  for (const { ids, typeIds, offsets, texts: of, words } of [...windows, ...whole]) {
    expect(
      [typeIds, offsets, of, words].every(({ length }) => length === ids.length),
      'lists of several lengths',
    );
    expect(
      ids.every((id) => Number.isInteger(id) && id >= 0),
      'no ids',
      ids,
    );
    for (const [t, [begin, end]] of offsets.entries())
      expect(isPlace(begin, end, of[t] === 1 ? second : first), 'no place', [t, begin, end]);
  }
  expect(
    windows.every(({ ids }) => ids.length <= 12),
    'windows too long',
    windows.map(({ ids }) => ids.length),
  );
  const { ids } = whole[0] as { ids: number[] };
  expect(JSON.stringify(tokenizer.encode(first)) === JSON.stringify(ids), 'encode and encodings differ', [tokenizer.encode(first), ids]);
  const decoded = [tokenizer.decode(ids), tokenizer.decode(ids, { skip_special_tokens: true })];
  expect(
    decoded.every((one) => typeof one === 'string'),
    'no text',
  );
  const { input_ids, attention_mask } = tokenizer([first, 'a'], { padding: true });
  expect(
    input_ids.dims.join() === attention_mask.dims.join() && input_ids.data.length === 2 * (input_ids.dims[1] as number),
    'no rectangle',
  );
  return [windows, whole, decoded];
}

async function quantized(asked: Asked, task: TaskName): Promise<unknown> {
  const { engine, folder, options } = asked;
  const parts = await readParts(folderAt(engine.runtime, folder));
  const saved = await quantizeCheckpoint(engine, parts, 'out');
  expect(saved.bytes > 0 && saved.quantized + saved.kept > 0, 'nothing saved', saved);
  return [saved.quantized, saved.kept, [...saved.left].sort(), await tasks[task]({ ...asked, folder: 'out', options })];
}

/** What is asked, how often of a hundred, and how. */
export const uses: readonly { name: string; weight: number; ask: (asked: Asked, task: TaskName) => Promise<unknown> }[] = [
  { name: 'pipeline', weight: 76, ask: (asked, task) => tasks[task](asked) },
  { name: 'tokenizer', weight: 14, ask: tokenized },
  { name: 'estimate', weight: 4, ask: estimated },
  { name: 'quantize', weight: 6, ask: quantized },
];

/** An answer as text, bit for bit. */
export const written = (answer: unknown): string =>
  JSON.stringify(answer, (_, value) =>
    typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0))
      ? `number ${Object.is(value, -0) ? '-0' : value}`
      : value,
  );
