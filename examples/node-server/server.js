/**
 * A server of sentence embeddings, and of search by them, with hono. MODEL is the folder or URL of a sentence encoder, PORT where it listens.
 *
 *   POST /embed   {"texts": ["a cat", "a dog"]}                                {"vectors": [[0.06,…],[…]]}
 *   POST /search  {"query": "a kitten", "texts": ["a cat", …], "top_k": 3}     {"results": [{"corpus_id": 0, "score": 0.79},…]}
 *   GET  /health                                                               {"threads": 2, "waiting": 0}
 */
import { serve } from '@hono/node-server';
import { HeedError, pipeline, semantic_search } from 'heed';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { HTTPException } from 'hono/http-exception';
import { Batcher } from './batcher.js';

const { MODEL = './all-MiniLM-L6-v2', PORT = '8080' } = process.env;
const limits = { texts: 256, characters: 8192, bytes: 4 << 20, waiting: 1024 };
const refusal = (/** @type {400 | 413 | 503} */ status, /** @type {string} */ message) => new HTTPException(status, { message });

const extractor = await pipeline('feature-extraction', MODEL);
const batcher = new Batcher(async (texts, signal) => {
  const vectors = await extractor(texts, { pooling: 'mean', normalize: true, signal });
  return /** @type {number[][]} */ (vectors.tolist());
}, limits.texts);

/** Vectors of length 1. @param {unknown} texts @param {AbortSignal} signal which comes when the client goes away */
function embed(texts, signal) {
  const isText = (/** @type {unknown} */ text) => typeof text === 'string' && text.length <= limits.characters;
  if (!Array.isArray(texts) || texts.length < 1 || texts.length > limits.texts || !texts.every(isText))
    throw refusal(400, `Give 1 to ${limits.texts} texts of at most ${limits.characters} characters`);
  if (batcher.waiting + texts.length > limits.waiting) throw refusal(503, 'Too many texts wait already. Try again later');
  return batcher.run(texts, signal);
}

const app = new Hono();
app.use(bodyLimit({ maxSize: limits.bytes, onError: () => Promise.reject(refusal(413, `Send at most ${limits.bytes} bytes`)) }));
app.use(async (c, next) => {
  await next();
  if (!server.listening) c.header('connection', 'close');
});
app.get('/health', (c) => c.json({ threads: extractor.info.threads, waiting: batcher.waiting }));
app.post('/embed', async (c) => {
  const body = await c.req.json().catch(() => undefined);
  return c.json({ vectors: await embed(body?.texts, c.req.raw.signal) });
});
app.post('/search', async (c) => {
  const { query, texts, top_k = 10 } = (await c.req.json().catch(() => undefined)) ?? {};
  const [sought = [], ...vectors] = await embed([query].concat(texts), c.req.raw.signal);
  const [results] = semantic_search(sought, vectors, { top_k });
  return c.json({ results });
});
app.onError((error, c) => {
  if (error instanceof HTTPException) return c.json({ error: error.message }, error.status);
  if (error instanceof HeedError && error.code === 'ARGUMENT') return c.json({ error: error.message }, 400);
  console.error(error);
  return c.json({ error: 'The server failed' }, 500);
});

const server = serve({ fetch: app.fetch, port: Number(PORT) }, ({ port }) => console.log(`http://127.0.0.1:${port}/`));
// What was asked for is answered, and nothing new is taken.
process.once('SIGTERM', () => server.close(() => extractor.dispose()));
