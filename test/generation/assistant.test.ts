/** An assistant_model guesses at the next tokens: it changes nothing, helps where it is good, and is refused where it cannot help. */
import { AutoModelForCausalLM, createEngine, pipeline } from 'heed';
import { afterAll, describe, expect, it } from 'vitest';
import { failureOf } from '../io/memory.js';
import { tinyWriter } from '../pipelines/tiny_writer.js';
import { changed, engine, fixture, prompts, told } from './guesses.js';

afterAll(() => engine.dispose());

describe('an assistant_model', () => {
  const load = (name: string, config = {}) =>
    AutoModelForCausalLM.from_pretrained(changed(`causal/${name}`, { eos_token_id: 96, ...config }), { engine });

  it('guesses, and changes nothing, however good it is', async () => {
    const model = await load('llama');
    for (const name of ['llama', 'qwen2', 'gpt2']) {
      const assistant_model = await load(name);
      // The engine's scratch memory grows with the first guesses.
      await told(model, { input_ids: [prompts[0]], max_new_tokens: 40, assistant_model, num_assistant_tokens: 9 });
      const { used, storages } = engine.memory();
      let saved = 0;
      for (const ids of prompts) {
        const options = { input_ids: [ids], max_new_tokens: 40 };
        const plain = await told(model, options);
        for (const num_assistant_tokens of [undefined, 1, 9]) {
          const ahead = await told(model, { ...options, assistant_model, num_assistant_tokens });
          expect([ahead.tokens, ahead.bits]).toEqual([plain.tokens, plain.bits]);
          saved += plain.steps - ahead.steps;
        }
      }
      // Its like guesses all of it: steps are a half, a sixth and a tenth.
      if (name === 'llama') expect(saved).toBeGreaterThan(4 * 3 * 20);
      expect(engine.memory()).toMatchObject({ used, storages });
      assistant_model.dispose();
    }
    model.dispose();
  });

  it('helps a pipeline, has fewer positions, or is gone', async () => {
    const write = await pipeline('text-generation', tinyWriter, { engine });
    const options = { max_new_tokens: 40 };
    const plain = await write('Hello', options);
    const short = await load('llama', { max_position_embeddings: 20 });
    const { used, storages } = engine.memory();
    expect(await write('Hello', { ...options, assistant_model: short })).toEqual(plain);
    expect(engine.memory()).toMatchObject({ used, storages });
    let count = 0;
    const streamer = { put: () => void (++count === 10 && short.dispose()), end: () => {} };
    expect(await write('Hello', { ...options, assistant_model: short, streamer })).toEqual(plain);
    write.dispose();
  });

  it('is refused where it cannot help', async () => {
    const [model, other] = [await load('llama'), await createEngine({ threads: 1 })];
    const [far, strange] = [
      await AutoModelForCausalLM.from_pretrained(fixture('causal/llama'), { engine: other }),
      { engine, module: { ...model.module, dims: { V: 5 }, decode: () => {}, start: () => {} } },
    ];
    for (const [culprit, options] of [
      ['assistant_model', { assistant_model: far }],
      ['assistant_model', { assistant_model: strange }],
      ['assistant_model', { assistant_model: 'llama' }],
      ['assistant_model', { assistant_model: model, num_beams: 2 }],
      ['assistant_model', { assistant_model: model, do_sample: true }],
      ['assistant_model', { assistant_model: model, prompt_lookup_num_tokens: 3 }],
      ['num_assistant_tokens', { assistant_model: model, num_assistant_tokens: 0 }],
      ['num_assistant_tokens', { num_assistant_tokens: 3 }],
    ] as const)
      expect(await failureOf(() => model.generate({ input_ids: [[4]], ...options } as never))).toMatchObject({ code: 'ARGUMENT', culprit });
    model.dispose();
    far.dispose();
    await other.dispose();
  });
});
