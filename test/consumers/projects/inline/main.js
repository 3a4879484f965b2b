/** The kernels are inside of the module; there are no threads. */
import { createEngine, pipeline } from './node_modules/heed/dist/bundle/inline.js';

async function run() {
  const engine = await createEngine({ deterministic: true });
  const embed = await pipeline('feature-extraction', '/model', { engine });
  const { dims, data } = await embed('a cat and a dog', { pooling: 'mean', normalize: true });
  return { info: engine.info, dims, data: [...data] };
}

globalThis.result = run();
