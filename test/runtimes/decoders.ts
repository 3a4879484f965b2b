/** Language models in every runtime: what transformers writes, the same bits and tokens everywhere, out of a folder and a GGUF file. */
import type { AutoModelForCausalLM } from 'heed';
import { assert, type Check, type Checks, type Env, Skip } from './check.js';
import { Digest, parseSafetensors, readBytes } from './fixtures.js';

type Loading = Parameters<(typeof AutoModelForCausalLM)['from_pretrained']>[1];

/** How engines of deterministic mode may differ. */
const settings = ({ threads, page }: Env): Loading[] =>
  [1, 2]
    .filter((count) => threads || count === 1)
    .flatMap((count) =>
      (page ? [true, false] : [false]).map((worker) => ({ worker, engine: { threads: count, deterministic: true, inlineBelow: 0 } })),
    );

/** Model -> the digest of what it says of twelve tokens. It changes when kernels compute in another order, and only then. */
const digests = {
  'fixtures/causal/llama': '9700d013',
  'fixtures/gguf/llama_k.gguf': 'cd5f9bbe',
};

const sameScores: Check = async ({ AutoModelForCausalLM }, env) => {
  for (const [path, expected] of Object.entries(digests))
    for (const setting of settings(env)) {
      const model = await AutoModelForCausalLM.from_pretrained(env.locate(path), setting);
      const { logits } = await model({ input_ids: [[16, 74, 91, 13, 57, 26, 30, 37, 8, 91, 53, 39]] });
      model.dispose();
      const digest = new Digest();
      digest.add(logits.data as Float32Array);
      assert(digest.hex === expected, `${path}, ${JSON.stringify(setting)}: the digest is ${digest.hex}, not ${expected}`);
    }
};

/** What seed 7 draws. */
const SAMPLED = '67 90 44 67 36 74 67 13 6 35 21 54 59 17 32 41';

const sameWords: Check = async ({ AutoModelForCausalLM, createEngine }, env) => {
  const engine = await createEngine({ threads: 1 });
  const { prompt, greedy, beam4 } = parseSafetensors(await readBytes(engine, env.locate('fixtures/causal/llama/expected.safetensors')));
  await engine.dispose();
  assert(prompt && greedy && beam4, 'the fixture has no prompt');
  for (const path of ['fixtures/causal/llama', 'fixtures/gguf/models/llama.gguf'])
    for (const setting of settings(env)) {
      const model = await AutoModelForCausalLM.from_pretrained(env.locate(path), setting);
      for (const [options, wanted] of [
        [{}, greedy],
        [{ num_beams: 4 }, beam4],
      ] as const) {
        const { data } = await model.generate({ input_ids: prompt, max_new_tokens: 16, ...options });
        assert(data.join() === wanted.data.join(), `${path}, ${JSON.stringify({ ...setting, ...options })}: ${data}, not ${wanted.data}`);
      }
      const sampled = await Promise.all(
        [1, 2].map(() => model.generate({ input_ids: prompt, max_new_tokens: 16, do_sample: true, seed: 7 })),
      );
      assert(sampled[0]?.data.join() === sampled[1]?.data.join(), 'one seed gives two texts');
      const drawn = sampled[0]?.data.slice(-16).join(' ');
      assert(drawn === SAMPLED, `${path}, ${JSON.stringify(setting)}: seed 7 draws ${drawn}`);
      model.dispose();
    }
};

const SMOLLM2 = 'models/smollm2/SmolLM2-135M-Instruct.Q4_1.gguf';
const ANSWER = '1. The Red Sea: This is a fictional ocean that is often associated with the Red Sea, a mythological sea in';

const smollm2: Check = async ({ AutoTokenizer, pipeline, TextStreamer }, env) => {
  if (!env.folders.includes('models')) throw new Skip(`${SMOLLM2} is not here`);
  if (env.memory) throw new Skip('there is not enough memory here');
  const write = await pipeline('text-generation', env.locate(SMOLLM2), { engine: { deterministic: true } });
  const pieces: string[] = [];
  const streamer = new TextStreamer(await AutoTokenizer.from_pretrained(env.locate(SMOLLM2)), {
    skip_prompt: true,
    skip_special_tokens: true,
    callback_function: (piece) => pieces.push(piece),
  });
  const [told] = await write([{ role: 'user', content: 'Name three seas.' }], { max_new_tokens: 24, streamer });
  const answer = told?.generated_text.at(-1)?.content;
  write.dispose();
  assert(pieces.join('') === answer, `it streams ${JSON.stringify(pieces)}, and answers ${JSON.stringify(answer)}`);
  assert(answer === ANSWER, `it answers ${JSON.stringify(answer)}`);
};

export const decoderChecks: Checks = {
  'language models have the same scores, to the bit, for every number of threads': sameScores,
  'language models write what transformers does, out of a folder and a GGUF file': sameWords,
  'SmolLM2 answers out of a GGUF file, the same everywhere, and streams it': smollm2,
};
