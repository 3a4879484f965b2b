/** POST /attention: the attention weights of a model for a text, a translation or a picture, and the probabilities of what comes next. */
import * as z from 'zod';
import { defined } from '../../chat/sampling.js';
import { attendingTasks, seenBy } from '../attention.js';
import { base64, bytesOfBase64 } from '../base64.js';
import { ApiError } from '../errors.js';
import { text } from './embeddings.js';
import { modelRoute } from './route.js';
import { modelField } from './sampling.js';

const language = z.string().min(1).max(64).nullish();
const body = z.strictObject({
  model: modelField,
  input: text.nullish().describe('A text, for a model of texts'),
  image: z.string().meta({ contentEncoding: 'base64' }).nullish().describe('A file of a picture, for a model of pictures'),
  src_lang: language.describe('Language of the text, for a translator'),
  tgt_lang: language.describe('Language of the translation'),
  top_k: z.int().min(1).max(100).nullish().describe('Tokens that may come next, for a language model. Default 20'),
  temperatures: z
    .array(z.number().min(0.01).max(100))
    .max(64)
    .nullish()
    .describe('Temperatures t: log_sums has log(sum(exp(logit / t))) over the vocabulary for each. Default [1]'),
  user: z.string().nullish(),
});

export const attention = modelRoute({
  method: 'post',
  path: '/attention',
  summary: 'Tells what a model attends to',
  body,
  tasks: attendingTasks,
  async answer(given, held, { call }) {
    const { input, image, src_lang, tgt_lang, top_k = 20, temperatures = [1] } = defined(given);
    await call.take(held.entry.places);
    const bytes = image === undefined ? undefined : bytesOfBase64(image);
    if (image !== undefined && !bytes) throw new ApiError(400, 'image is no base64', { param: 'image', code: 'invalid_value' });
    const seen = await seenBy(held, { input, image: bytes, src_lang, tgt_lang, top_k, temperatures, signal: call.signal });
    const { source, target, next, translation, picture } = seen;
    call.facts.prompt_tokens = source.length;
    const groups = seen.groups.map(({ name, queries, keys, layers }) => {
      const size = layers.reduce((sum, { data }) => sum + data.length, 0);
      if (size === 0) throw new ApiError(400, 'This model has no attention', { param: 'model', code: 'model_not_supported' });
      const weights = new Float32Array(size);
      let at = 0;
      for (const { data } of layers) {
        weights.set(data as Float32Array, at);
        at += data.length;
      }
      return { name, queries, keys, layers: layers.length, heads: layers[0]?.dims[1], weights: base64(weights) };
    });
    return Response.json({
      ...{ object: 'attention', model: held.entry.name, tokens: { source, target: target ?? [] }, groups, next, translation },
      ...(picture && { picture: { ...picture, pixels: base64(picture.pixels) } }),
    });
  },
});
