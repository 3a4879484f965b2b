/** CommonJS, any Node: `import()` works there too. */
async function run(model) {
  const { createEngine, pipeline } = await import('heed');
  const engine = await createEngine({ deterministic: true, threads: 2, inlineBelow: 0 });
  const embed = await pipeline('feature-extraction', model, { engine });
  const { dims, data } = await embed('a cat and a dog', { pooling: 'mean', normalize: true });
  return { info: engine.info, dims, data: [...data] };
}

run(process.argv[2]).then((result) => console.log(JSON.stringify(result)));
