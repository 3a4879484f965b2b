/** Paths of models that read texts: /v1/rerank, /classify, /translate. */
import * as z from 'zod';
import { defined } from '../../chat/sampling.js';
import { relevanceOf } from '../../pipelines/relevance.js';
import { tokensOf } from '../../pipelines/text.js';
import { text } from './embeddings.js';
import { modelRoute } from './route.js';
import { modelField } from './sampling.js';

/** Texts of a request, and characters of a query, which a reranker reads again with each of them. */
const [MOST_TEXTS, LONGEST_QUERY] = [1000, 100_000];
const input = z.union([text, z.array(text).min(1).max(MOST_TEXTS)], { error: 'Give a text, or a list of 1 to 1000 texts' });
const user = z.string().nullish();

const document = z.union([text, z.strictObject({ text })]);
const ranking = z.strictObject({
  model: modelField,
  query: z.string().max(LONGEST_QUERY),
  documents: z.array(document).min(1).max(MOST_TEXTS),
  top_n: z.int().min(1).nullish().describe('Number of documents, the best first. Default: all'),
  return_documents: z.boolean().nullish().describe('Whether results have the texts. Default true'),
  user,
});

export const rerank = modelRoute({
  method: 'post',
  path: '/v1/rerank',
  summary: 'Ranks documents by how well they answer a query',
  body: ranking,
  tasks: ['text-classification', 'feature-extraction'],
  async answer(given, { pipe, entry }, { call }) {
    const { top_n, return_documents = true } = defined(given);
    const texts = given.documents.map((one) => (typeof one === 'string' ? one : one.text));
    await call.take(entry.places);
    const scores = await relevanceOf(pipe, given.query, texts, call.signal);
    const results = texts
      .map((text, index) => ({ index, relevance_score: scores[index] as number, ...(return_documents && { document: { text } }) }))
      .sort((a, b) => b.relevance_score - a.relevance_score)
      .slice(0, top_n);
    const total_tokens = await tokensOf(pipe, [given.query, ...texts], call.signal);
    call.facts.prompt_tokens = total_tokens;
    return Response.json({ id: call.id.replace('req', 'rerank'), model: entry.name, results, usage: { total_tokens } });
  },
});

const classification = z.strictObject({
  model: modelField,
  input,
  top_k: z.int().min(1).nullish().describe('Labels for each text, the most probable first. Default: all'),
  user,
});

export const classify = modelRoute({
  method: 'post',
  path: '/classify',
  summary: 'Gives the labels of texts, with their scores',
  body: classification,
  tasks: ['text-classification'],
  async answer(given, { pipe, entry }, { call }) {
    const texts = [given.input].flat();
    await call.take(entry.places);
    const most = Math.min(given.top_k ?? pipe.model.labels.length, pipe.model.labels.length);
    const found = (await pipe(texts, { top_k: most, signal: call.signal })) as unknown as Label[] | Label[][];
    const data = texts.map((_, index) => ({ index, labels: [found[index]].flat() }));
    const prompt_tokens = await tokensOf(pipe, texts, call.signal);
    call.facts.prompt_tokens = prompt_tokens;
    return Response.json({ object: 'list', data, model: entry.name, usage: { prompt_tokens, total_tokens: prompt_tokens } });
  },
});

type Label = { label: string; score: number };

const language = z.string().min(1).max(64).nullish();
const translating = z.strictObject({
  model: modelField,
  input,
  src_lang: language.describe('Language of the texts, by the model’s code. Default: the model’s own'),
  tgt_lang: language.describe('Language of the translations'),
  num_beams: z.int().min(1).max(16).nullish(),
  max_new_tokens: z.int().min(1).max(10_000).nullish().describe('Tokens of a sentence at most'),
  user,
});

export const translate = modelRoute({
  method: 'post',
  path: '/translate',
  summary: 'Translates texts',
  body: translating,
  tasks: ['translation'],
  async answer(given, { pipe, entry }, { call }) {
    const texts = [given.input].flat();
    const { src_lang, tgt_lang, num_beams, max_new_tokens } = defined(given);
    await call.take(entry.places);
    const found = await pipe(texts, { src_lang, tgt_lang, num_beams, max_new_tokens, signal: call.signal });
    const data = found.map(({ translation_text: text }, index) => ({ index, text }));
    call.facts.prompt_tokens = await tokensOf(pipe, texts, call.signal);
    return Response.json({ object: 'list', data, model: entry.name });
  },
});
