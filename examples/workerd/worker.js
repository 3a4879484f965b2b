/**
 * A Worker, for Cloudflare's network or a workerd of your own, that embeds the text of `?text=…`. The model's files come from env.MODEL, the address
 * of a folder; its first request loads them. config.capnp beside this file runs it:
 *
 *   cd examples/workerd && cp -r ../../dist/wasm .
 *   npx esbuild worker.js --bundle --minify --format=esm --conditions=workerd '--external:*.wasm' --outfile=bundle/worker.js
 *   MODEL=http://127.0.0.1:8000/all-MiniLM-L6-v2 npx workerd@1.20261117.1 serve config.capnp
 *
 * In a project of yours the kernels lie in node_modules/heed/dist/wasm.
 */
import { bert, createEngine, HeedError, pipeline, registerArchitecture } from 'heed/core';

registerArchitecture(bert);

/** Of an isolate's 128 MB. */
const memory = { maximum: 96 << 20 };

/** @type {Promise<import('heed').FeatureExtractor> | undefined} */
let extractor;
/** @param {string} model */
async function load(model) {
  const engine = await createEngine({ memory });
  return pipeline('feature-extraction', model, { engine });
}

export default {
  /** @param {Request} request @param {{ MODEL: string }} env */
  async fetch(request, env) {
    const text = new URL(request.url).searchParams.get('text');
    if (text === null) return new Response('Give a text: ?text=…\n', { status: 400 });
    try {
      extractor ??= load(env.MODEL);
      const embed = await extractor;
      const { data } = await embed(text, { pooling: 'mean', normalize: true, signal: request.signal });
      return Response.json(Array.from(data));
    } catch (error) {
      if (!(error instanceof HeedError)) throw error;
      extractor = undefined;
      return Response.json({ code: error.code, message: error.message }, { status: 500 });
    }
  },
};
