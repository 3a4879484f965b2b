/** heed's side of `bench decode`, in every runtime, and in a page in its worker: `generate`, greedily, with a streamer that looks at the clock. */
import type { Program } from '../../test/runtimes/check.js';
import { type DecodeArgs, type Decoded, promptOf, type Rates, Stopwatch } from './types.js';

const decode: Program = async ({ AutoModelForCausalLM }, env, args): Promise<Decoded> => {
  const { model: path, threads, prompts, tokens } = args as DecodeArgs;
  const model = await AutoModelForCausalLM.from_pretrained(env.locate(path), { engine: { threads } });
  const timed = async (T: number, count: number): Promise<Rates> => {
    const watch = new Stopwatch();
    let isPrompt = true;
    // The prompt is told of before it is read.
    const streamer = {
      put() {
        if (!isPrompt) watch.tick();
        isPrompt = false;
      },
      end() {},
    };
    await model.generate({ input_ids: [promptOf(T)], min_new_tokens: count, max_new_tokens: count, streamer });
    return watch.rates(T);
  };
  await timed(64, 64); // V8 compiles what is called often
  const rates: Record<number, Rates> = {};
  for (const T of prompts) rates[T] = await timed(T, tokens);
  const { info } = model;
  model.dispose();
  return { version: `${info.simd}${info.deterministic ? ', deterministic' : ''}`, threads: info.threads, rates };
};
export default decode;
