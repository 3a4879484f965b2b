/** A model from its files to its outputs, and every way in which that is meant to end early: disposal, an abort, files that are not there or broken. */
import type { Engine } from 'heed';
import { softmax, tensor } from 'heed/ops';
import { beyond } from '../cases/check.js';
import { assert, assertHeedError, type Checks, thrownBy } from './check.js';
import { type Named, parseSafetensors, readBytes } from './fixtures.js';

/** How far a model's values may be off. */
const TOLERANCE = 1e-4;

const inputsOf = (expected: Named) => {
  const { input_ids, attention_mask } = expected;
  if (!input_ids || !attention_mask) throw new Error('the fixture has no inputs');
  return { input_ids, attention_mask };
};

async function withEngine<T>(created: Promise<Engine>, use: (engine: Engine) => Promise<T>): Promise<T> {
  const engine = await created;
  try {
    return await use(engine);
  } finally {
    await engine.dispose();
  }
}

export const modelChecks: Checks = {
  'an encoder gives the hidden states and attentions that PyTorch does': ({ createEngine, AutoModel }, env) =>
    withEngine(createEngine({ threads: 2 }), async (engine) => {
      const expected = parseSafetensors(await readBytes(engine, env.locate('fixtures/bert-tiny/expected.safetensors')));
      const model = await AutoModel.from_pretrained(env.locate('fixtures/bert-tiny'), env.hosted ? {} : { engine });
      const output = await model(inputsOf(expected), { output_hidden_states: true, output_attentions: true });
      const { last_hidden_state, pooler_output, hidden_states = [], attentions = [] } = output;
      const named = {
        last_hidden_state,
        pooler_output,
        ...Object.fromEntries(hidden_states.map((x, i) => [`hidden.${i}`, x])),
        ...Object.fromEntries(attentions.map((x, i) => [`attn.${i}`, x])),
      };
      for (const [name, { data, dims }] of Object.entries(expected)) {
        if (name in inputsOf(expected)) continue;
        const actual = named[name as keyof typeof named];
        assert(actual, `there is no ${name}`);
        assert(actual.dims.join() === dims.join(), `${name} is [${actual.dims}], not [${dims}]`);
        const why = beyond(actual.data, data, TOLERANCE);
        assert(why === undefined, `${name}: ${why}`);
      }
      model.dispose();
    }),

  'an engine that was disposed says so': async (heed, env) => {
    const engine = await heed.createEngine({ threads: 2 });
    const model = await heed.AutoModel.from_pretrained(env.locate('fixtures/bert-tiny'), { engine });
    const x = tensor(engine, [1, 2, 3]);
    await engine.dispose();
    await assertHeedError(heed, 'ENGINE_LOST', () => softmax(x));
    await assertHeedError(heed, 'ENGINE_LOST', () => tensor(engine, [1]));
    await assertHeedError(heed, 'ENGINE_LOST', () => model({ input_ids: [[1, 2]] }));
    await engine.dispose();
  },

  'an abort rejects with its reason, and leaves the engine in order': (heed, env) =>
    withEngine(heed.createEngine({ threads: 2 }), async (engine) => {
      const folder = env.locate('fixtures/bert-tiny');
      const model = await heed.AutoModel.from_pretrained(folder, { engine });
      const reason = new Error('no longer wanted');
      const before = engine.memory().storages;
      const late = new AbortController();
      const running = thrownBy(() => model({ input_ids: [[1, 2, 3]] }, { signal: late.signal }));
      late.abort(reason);
      const thrown = [
        await running,
        await thrownBy(() => model({ input_ids: [[1, 2, 3]] }, { signal: AbortSignal.abort(reason) })),
        await thrownBy(() => heed.AutoModel.from_pretrained(folder, { engine, signal: AbortSignal.abort(reason) })),
        await thrownBy(() => heed.createEngine({ signal: AbortSignal.abort(reason) })),
      ];
      for (const [i, error] of thrown.entries()) assert(error === reason, `abort ${i} rejected with ${error}`);
      const { last_hidden_state } = await model({ input_ids: [[1, 2, 3]] });
      assert(last_hidden_state.data.every(Number.isFinite), 'the model does not work after an abort');
      const left = engine.memory().storages - before;
      // Threads, once they have worked, keep their scratch.
      assert(left <= 1, `${left} storages are left`);
    }),

  'files that are missing or broken are errors that say which': (heed, env) =>
    withEngine(heed.createEngine({ threads: 1 }), async (engine) => {
      const { AutoModel, AutoTokenizer } = heed;
      const before = engine.memory().storages;
      await assertHeedError(heed, 'NOT_FOUND', () => AutoModel.from_pretrained(env.locate('fixtures/nowhere'), { engine }));
      await assertHeedError(heed, 'NOT_FOUND', () => AutoTokenizer.from_pretrained(env.locate('fixtures/nowhere')));
      await assertHeedError(heed, 'FORMAT', () => AutoModel.from_pretrained(env.locate('fixtures/malformed'), { engine }));
      const { message } = (await thrownBy(() => AutoModel.from_pretrained(env.locate('fixtures/malformed'), { engine }))) as Error;
      assert(message.includes('malformed/model.safetensors'), `the message is: ${message}`);
      assert(engine.memory().storages === before, `${engine.memory().storages - before} storages are left`);
    }),
};
