/** The side of wllama 2.3.1 in `bench decode`, in a page: llama.cpp's calls, as its `createCompletion` makes them. */
import { LoggerWithoutDebug, Wllama } from 'wllama-2/esm/index.js';
import type { Program } from '../../test/runtimes/check.js';
import { type DecodeArgs, type Decoded, promptOf, type Rates, Stopwatch } from './types.js';

const decode: Program = async (_, env, args): Promise<Decoded> => {
  const { model, threads, prompts, tokens } = args as DecodeArgs;
  const binary = (kind: string) => new URL(`/peers/wllama-2/esm/${kind}-thread/wllama.wasm`, location.href).href;
  const wllama = new Wllama(
    { 'single-thread/wllama.wasm': binary('single'), 'multi-thread/wllama.wasm': binary('multi') },
    { logger: LoggerWithoutDebug },
  );
  await wllama.loadModel([await (await fetch(env.locate(model))).blob()], { n_threads: threads, n_ctx: 2048 });
  const timed = async (T: number, count: number): Promise<Rates> => {
    await wllama.kvClear();
    await wllama.samplingInit({ temp: 0 });
    const watch = new Stopwatch();
    let next = promptOf(T);
    for (let t = 0; t < count; t++) {
      await wllama.decode(next, {});
      const { token } = await wllama.samplingSample();
      watch.tick();
      next = [token];
    }
    return watch.rates(T);
  };
  await timed(16, 16);
  const rates: Record<number, Rates> = {};
  for (const T of prompts) rates[T] = await timed(T, tokens);
  const used = wllama.isMultithread() ? wllama.getNumThreads() : 1;
  await wllama.exit();
  return { version: '2.3.1', threads: used, rates };
};
export default decode;
