/** The tiny writer with an engine of its own, and what it writes behind "Hello": for tests of options. */
import { createEngine, pipeline } from 'heed';
import { tinyWriter } from '../pipelines/tiny_writer.js';

const engine = await createEngine({ threads: 1, deterministic: true });
const write = await pipeline('text-generation', tinyWriter, { engine });
const { model, tokenizer } = write;
/** Frees both. */
async function dispose(): Promise<void> {
  write.dispose();
  await engine.dispose();
}

const input_ids = [tokenizer.encode('Hello')];
const start = input_ids[0]?.length as number;
/** What is written behind the prompt, a list for each row. */
const tokens = async (options: object): Promise<number[][]> =>
  ((await model.generate({ input_ids, max_new_tokens: 12, ...options })).tolist() as number[][]).map((row) => row.slice(start));
const texts = async (options: object) =>
  (await tokens({ tokenizer, ...options })).map((row) => tokenizer.decode(row, { skip_special_tokens: true }));
const plain = await tokens({});
const plainText = tokenizer.decode(plain[0] as number[], { skip_special_tokens: false });

export { dispose, engine, input_ids, model, plain, plainText, start, texts, tokenizer, tokens, write };
