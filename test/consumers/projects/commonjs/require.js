/** CommonJS in Node 20.19, 22.12 and later, which can require modules that do not await at their top level. */
const { createEngine, pipeline } = require('heed');
const { relu, Tensor, tensor } = require('heed/ops');

async function run(model) {
  const engine = await createEngine({ deterministic: true, threads: 2, inlineBelow: 0 });
  if (!(relu(tensor(engine, [1])) instanceof Tensor)) throw new Error('heed/ops has two Tensors');
  const embed = await pipeline('feature-extraction', model, { engine });
  const { dims, data } = await embed('a cat and a dog', { pooling: 'mean', normalize: true });
  return { info: engine.info, dims, data: [...data] };
}

run(process.argv[2]).then((result) => console.log(JSON.stringify(result)));
