/**
 * An endpoint that tells what a picture shows, in a Cloudflare Worker. The model's files are its assets; an isolate's first request loads them, the others share them.
 *
 *   POST /?top_k=2   a PNG, JPEG, WebP or GIF file   {"labels":[{"label":"tabby, tabby cat","score":0.93},…]}
 */
import { HeedError, pipeline, RawImage } from 'heed';

/** Of an isolate's 128 MB, for weights and what is computed. What needs more is refused with an error, instead of the isolate being ended. */
const memory = { maximum: 56 << 20 };
/** Pixels have 4 bytes while a file is decoded, and 3 afterwards. */
const limits = { bytes: 2_000_000, pixels: 2_000_000, labels: 20 };
const names = ['config.json', 'model.safetensors', 'preprocessor_config.json'];

/** @typedef {{ ASSETS: { fetch: typeof fetch } }} Env @type {Promise<import('heed').ImageClassification> | undefined} */
let classifier;

/** @param {Env} env */
async function load({ ASSETS }) {
  const responses = await Promise.all(names.map((name) => ASSETS.fetch(`https://assets.local/model/${name}`)));
  const streams = responses.flatMap(({ ok, body }, i) => (ok && body ? [[names[i], body]] : []));
  return pipeline('image-classification', Object.fromEntries(streams), { engine: { memory } });
}

const problem = (status = 500, code = '', message = '') => Response.json({ error: { code, message } }, { status });

/** @param {Request} request @param {Env} env */
async function answer(request, env) {
  const { pathname, searchParams } = new URL(request.url);
  if (pathname !== '/') return problem(404, 'NOT_FOUND', `There is nothing at ${pathname}`);
  if (request.method !== 'POST') return problem(405, 'METHOD', 'POST a picture');
  if (!(Number(request.headers.get('content-length') ?? Number.NaN) <= limits.bytes))
    return problem(413, 'TOO_LARGE', `A picture has a content-length of at most ${limits.bytes}`);
  const top_k = Number(searchParams.get('top_k') ?? 5);
  if (!(Number.isInteger(top_k) && top_k >= 1 && top_k <= limits.labels))
    return problem(400, 'ARGUMENT', `top_k is a whole number from 1 to ${limits.labels}`);
  try {
    const image = await RawImage.read(await request.arrayBuffer(), { maxPixels: limits.pixels }).catch((error) => error);
    if (image instanceof HeedError) return problem(400, image.code, image.message);
    classifier ??= load(env).catch((error) => {
      classifier = undefined; // the next request tries again
      throw error;
    });
    const classify = await classifier;
    return Response.json({ labels: await classify(image, { top_k }) });
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
