/** heed/inline knows no files, in Node neither: models come from URLs. */
import { createEngine, pipeline } from 'heed/inline';

const engine = await createEngine({ deterministic: true });
const embed = await pipeline('feature-extraction', process.argv[2], { engine });
const { dims, data } = await embed('a cat and a dog', { pooling: 'mean', normalize: true });
console.log(JSON.stringify({ info: engine.info, dims, data: [...data] }));
