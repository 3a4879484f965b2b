/** POST /v1/embeddings: texts to vectors. */
import * as z from 'zod';
import { defined } from '../../chat/sampling.js';
import type { FeatureExtractor, SentenceOptions } from '../../pipelines/feature_extraction.js';
import { rowsIn } from '../../pipelines/relevance.js';
import { tokensOf } from '../../pipelines/text.js';
import type { HostTensor } from '../../tensor.js';
import { base64 } from '../base64.js';
import { togetherFor } from '../together.js';
import { modelRoute } from './route.js';
import { modelField } from './sampling.js';

/** Texts of a request, as in OpenAI's API. */
const MOST_TEXTS = 2048;

/** A text, of bounded length: it is read as a whole before it is cut. */
export const text = z.string().max(1_000_000);

const body = z.strictObject({
  model: modelField,
  input: z.union([text, z.array(text).min(1).max(MOST_TEXTS)], { error: 'Give a text, or a list of 1 to 2048 texts' }),
  encoding_format: z.enum(['float', 'base64']).nullish(),
  dimensions: z.int().min(1).nullish().describe('Numbers of each vector that are kept'),
  prompt_name: z.string().max(100).nullish().describe('One of the model’s own prompts: query, document'),
  user: z.string().nullish(),
});

/** Texts up to which a request is put together with others. */
const FEW = 16;

/** A vector for each text. */
async function vectorsOf(pipe: FeatureExtractor, texts: readonly string[], options: SentenceOptions): Promise<Float32Array[]> {
  return rowsIn((await pipe.encode(texts, options)) as HostTensor<Float32Array>);
}

export const embeddings = modelRoute({
  method: 'post',
  path: '/v1/embeddings',
  summary: 'Turns texts into vectors',
  body,
  tasks: ['feature-extraction'],
  async answer(given, { pipe, entry }, { call }) {
    const { encoding_format = 'float', dimensions, prompt_name } = defined(given);
    const texts = [given.input].flat();
    await call.take(entry.places);
    const settings = { truncate_dim: dimensions, prompt_name };
    const vectors =
      texts.length > FEW
        ? await vectorsOf(pipe, texts, { ...settings, signal: call.signal })
        : await togetherFor(pipe.model, settings, (some) => vectorsOf(pipe, some, settings)).add(texts, call.signal);
    const data = vectors.map((vector, index) => {
      return { object: 'embedding', index, embedding: encoding_format === 'base64' ? base64(vector) : Array.from(vector) };
    });
    const prompt_tokens = await tokensOf(pipe, texts, call.signal);
    call.facts.prompt_tokens = prompt_tokens;
    return Response.json({ object: 'list', data, model: entry.name, usage: { prompt_tokens, total_tokens: prompt_tokens } });
  },
});
