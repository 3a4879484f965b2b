/** Without a bundler: the browser loads heed's modules, its kernels and its workers as they are. */
import { createEngine, pipeline } from './node_modules/heed/dist/bundle/web.js';

// inlineBelow: 0, so that threads have a part in this tiny model; others need no such thing.
const options = { deterministic: true, threads: 2, inlineBelow: 0 };

async function answer(embed) {
  const { dims, data } = await embed('a cat and a dog', { pooling: 'mean', normalize: true });
  return { info: embed.info, dims, data: [...data] };
}

async function run() {
  // In a worker, as is the default in a page; `worker: true` fails where the default would make do with the page's own thread.
  const there = await pipeline('feature-extraction', '/model', { engine: options, worker: true });
  const here = await pipeline('feature-extraction', '/model', { engine: await createEngine(options) });
  return [await answer(there), await answer(here)];
}

globalThis.result = run();
