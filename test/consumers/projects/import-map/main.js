/** Without a bundler: the import map in index.html says where the three names are. */
import { createEngine, pipeline } from 'heed';
import { Linear } from 'heed/nn';
import { add, Tensor, tensor } from 'heed/ops';

async function run() {
  const engine = await createEngine({ deterministic: true, threads: 2, inlineBelow: 0 });
  const x = tensor(engine, [[1, 2]]);
  const linear = new Linear(engine, 2, 1, { bias: false });
  linear.loadStateDict({ weight: { data: [1, 10], dims: [1, 2] } });
  const y = linear.forward(add(x, x));
  if (!(y instanceof Tensor) || y.toHost().data[0] !== 42) throw new Error('heed/nn and heed/ops do not share a Tensor');

  const embed = await pipeline('feature-extraction', '/model', { engine });
  const { dims, data } = await embed('a cat and a dog', { pooling: 'mean', normalize: true });
  return { info: engine.info, dims, data: [...data] };
}

globalThis.result = run();
