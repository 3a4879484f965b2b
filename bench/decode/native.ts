/** llama.cpp's side of `bench decode`, as node-llama-cpp builds it for this processor, in a Node process. It is 700 MB, and so is nobody's dependency here. */
import type { Program } from '../../test/runtimes/check.js';
import { type DecodeArgs, type Decoded, promptOf, type Rates, Stopwatch } from './types.js';

/** What is used of it. */
interface LlamaCpp {
  getLlama(options: object): Promise<{ loadModel(options: object): Promise<LlamaModel> }>;
}
interface LlamaModel {
  createContext(options: object): Promise<{ getSequence(): Sequence; dispose(): Promise<void> }>;
}
interface Sequence {
  clearHistory(): Promise<void>;
  evaluate(tokens: readonly number[], options: object): AsyncIterable<number>;
}

const decode: Program = async (_, env, args): Promise<Decoded> => {
  const { model: path, threads, prompts, tokens, native } = args as DecodeArgs & { native: string };
  const { getLlama } = (await import(native)) as LlamaCpp;
  const llama = await getLlama({ gpu: false, maxThreads: threads, logLevel: 'disabled', progressLogs: false });
  const model = await llama.loadModel({ modelPath: env.locate(path) });
  const context = await model.createContext({ contextSize: 2048, threads });
  const sequence = context.getSequence();
  const timed = async (T: number, count: number): Promise<Rates> => {
    await sequence.clearHistory();
    const watch = new Stopwatch();
    let t = 0;
    for await (const _ of sequence.evaluate(promptOf(T), { temperature: 0, yieldEogToken: true })) {
      watch.tick();
      if (++t === count) break;
    }
    return watch.rates(T);
  };
  await timed(16, 16);
  const rates: Record<number, Rates> = {};
  for (const T of prompts) rates[T] = await timed(T, tokens);
  await context.dispose();
  return { version: '', threads, rates };
};
export default decode;
