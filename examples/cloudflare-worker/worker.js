/**
 * An endpoint that embeds texts, in a Cloudflare Worker. The model's files are its assets; an isolate's first request loads them, the others share them.
 *
 *   GET  /?text=a+cat                        {"vectors":[[0.06,…]]}
 *   POST /  {"texts":["a cat","a dog"]}      {"vectors":[[0.06,…],[…]]}
 */
import { bert, HeedError, pipeline, registerArchitecture } from 'heed/core';

registerArchitecture(bert);
/** Of an isolate's 128 MB, for weights and what is computed. What needs more is refused with an error, instead of the isolate being ended. */
const memory = { maximum: 64 << 20 };
const limits = { texts: 32, characters: 2000, bytes: 100_000 };
const model = 'config.json model.safetensors tokenizer.json tokenizer_config.json';
const names = `${model} modules.json sentence_bert_config.json 1_Pooling/config.json`.split(' ');

/** @typedef {{ ASSETS: { fetch: typeof fetch } }} Env @type {Promise<import('heed').FeatureExtractor> | undefined} */
let extractor;

/** @param {Env} env */
async function load({ ASSETS }) {
  const responses = await Promise.all(names.map((name) => ASSETS.fetch(`https://assets.local/model/${name}`)));
  const streams = responses.flatMap(({ ok, body }, i) => (ok && body ? [[names[i], body]] : []));
  return pipeline('feature-extraction', Object.fromEntries(streams), { engine: { memory } });
}

const problem = (status = 500, code = '', message = '') => Response.json({ error: { code, message } }, { status });

/** @param {Request} request @param {Env} env */
async function answer(request, env) {
  const { pathname, searchParams } = new URL(request.url);
  if (pathname !== '/') return problem(404, 'NOT_FOUND', `There is nothing at ${pathname}`);
  if (!/^(GET|POST)$/.test(request.method)) return problem(405, 'METHOD', 'GET or POST');
  const posted = request.method === 'POST';
  if (posted && !(Number(request.headers.get('content-length') ?? Number.NaN) <= limits.bytes))
    return problem(413, 'TOO_LARGE', `A body has a content-length of at most ${limits.bytes}`);
  const texts = posted ? (await request.json().catch(() => undefined))?.texts : searchParams.getAll('text');
  const isText = (/** @type {unknown} */ text) => typeof text === 'string' && text.length <= limits.characters;
  if (!Array.isArray(texts) || texts.length < 1 || texts.length > limits.texts || !texts.every(isText))
    return problem(400, 'ARGUMENT', `Give 1 to ${limits.texts} texts of at most ${limits.characters} characters`);
  try {
    extractor ??= load(env).catch((error) => {
      extractor = undefined; // the next request tries again
      throw error;
    });
    const embed = await extractor;
    return Response.json({ vectors: (await embed(texts, { pooling: 'mean', normalize: true })).tolist() });
  } catch (error) {
    if (error instanceof HeedError) return problem(503, error.code, error.message);
    throw error;
  }
}

export default {
  /** @param {Request} request @param {Env} env @param {{ waitUntil(work: Promise<unknown>): void }} context */
  fetch(request, env, context) {
    const response = answer(request, env);
    context.waitUntil(response); // others wait for what this request loads or computes, also when its own client has gone
    return response;
  },
};
