/** The side of the newest wllama in `bench decode`, in a page. It takes texts alone, and tells times itself. */
import { LoggerWithoutDebug, Wllama } from 'wllama-3/esm/index.js';
import type { Program } from '../../test/runtimes/check.js';
import type { DecodeArgs, Decoded, Rates } from './types.js';

const decode: Program = async (_, env, args): Promise<Decoded> => {
  const { model, threads, prompts, tokens } = args as DecodeArgs;
  const wllama = new Wllama(
    { default: new URL('/peers/wllama-3/esm/wasm/wllama.wasm', location.href).href },
    { logger: LoggerWithoutDebug },
  );
  await wllama.loadModel([await (await fetch(env.locate(model))).blob()], { n_threads: threads, n_ctx: 2048 });
  const timed = async (T: number, count: number): Promise<Rates> => {
    const { timings } = await wllama.createCompletion({
      // A token each.
      ...{ prompt: ' the'.repeat(T), max_tokens: count, temperature: 0, cache_prompt: false, ignore_eos: true },
    });
    if (!timings || Math.abs(timings.prompt_n - T) > 1) throw new Error(`wllama read ${timings?.prompt_n} tokens, not ${T}`);
    return { prompt: timings.prompt_per_second, decode: timings.predicted_per_second };
  };
  await timed(16, 16);
  const rates: Record<number, Rates> = {};
  for (const T of prompts) rates[T] = await timed(T, tokens);
  await wllama.exit();
  return { version: 'newest', threads, rates };
};
export default decode;
