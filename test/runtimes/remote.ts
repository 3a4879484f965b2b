/**
 * A page's models live in a worker: they load, run, are aborted and disposed of there as they would be here, and what cannot cross says so. Elsewhere
 * they live on the thread that asks for them.
 */
import type { FeatureExtractor, Model, PretrainedOptions } from 'heed';
import { assert, assertHeedError, type Check, type Checks, type Env, type Heed, Skip, thrownBy } from './check.js';

const tiny = (env: Env) => env.locate('fixtures/bert-tiny');
const inputs = { input_ids: [[1, 2, 3, 4]] };
const deterministic = { engine: { deterministic: true, threads: 1 } };

const load = ({ AutoModel }: Heed, env: Env, options: PretrainedOptions = {}): Promise<Model> =>
  AutoModel.from_pretrained(tiny(env), options);

/** For pages only. */
const inPages =
  (check: Check): Check =>
  async (heed, env) => {
    if (!env.page) throw new Skip('there is no page here');
    await check(heed, env);
  };

/** A member of a model that stays in the worker throws; a model of this thread has it. */
const livesHere = (model: Model | FeatureExtractor): boolean => {
  try {
    return 'engine' in model ? model.engine !== undefined : model.model !== undefined;
  } catch {
    return false;
  }
};

export const remoteChecks: Checks = {
  'models live in a worker beside a page, and here where there is none': async (heed, env) => {
    const model = await load(heed, env, { engine: { threads: 2 } });
    assert(livesHere(model) === !env.page, `the model lives ${env.page ? 'on the page' : 'elsewhere'}: ${model.info.reason}`);
    assert(model.info.threads === (env.threads ? 2 : 1), `threads: ${model.info.threads}, because ${model.info.reason}`);
    assert(model.config.hidden_size === 32, 'there is no config');
    model.dispose();
    if (!env.page) await assertHeedError(heed, 'UNSUPPORTED', () => load(heed, env, { worker: true }));
  },

  'they answer the same bits': inPages(async (heed, env) => {
    const answers: string[] = [];
    const tokenizer = await heed.AutoTokenizer.from_pretrained(tiny(env));
    for (const worker of [true, false]) {
      const model = await load(heed, env, { ...deterministic, worker });
      const output = await model(tokenizer(['a cat', 'a cat and a dog'], { padding: true }), {
        output_attentions: true,
        output_hidden_states: true,
      });
      assert(output.last_hidden_state instanceof heed.HostTensor, 'the result is no HostTensor');
      assert(output.attentions?.length === 2 && output.hidden_states?.length === 3, 'attentions or hidden states are missing');
      const extract = await heed.pipeline('feature-extraction', tiny(env), { ...deterministic, worker });
      const vectors = await extract(['a cat', 'a kitten'], { pooling: 'mean', normalize: true });
      answers.push(JSON.stringify([output, vectors]));
      model.dispose();
      extract.dispose();
    }
    assert(answers[0] === answers[1], 'the answers differ');
  }),

  'they report progress, and errors with all that is said of them': inPages(async (heed, env) => {
    const events: string[] = [];
    const extract = await heed.pipeline('feature-extraction', tiny(env), { progress_callback: ({ status }) => events.push(status) });
    assert(events.includes('progress') && events.at(-1) === 'ready', `progress: ${events}`);
    const counts: number[] = [];
    await extract(['a', 'b'], { pooling: 'cls', onProgress: (done) => counts.push(done) });
    assert(counts.at(-1) === 2, `done: ${counts}`);
    const model = await load(heed, env);
    const error = await assertHeedError(heed, 'SHAPE', () => model({ input_ids: [[1], [1, 2]] }));
    assert(error.culprit === 'input_ids' && error.cure !== undefined && error.message.split(error.cure).length === 2, `${error}`);
    await assertHeedError(heed, 'NOT_FOUND', () => heed.AutoModel.from_pretrained(env.locate('fixtures/nowhere')));
    await assertHeedError(heed, 'FORMAT', () => heed.AutoModel.from_pretrained(env.locate('fixtures/malformed')));
    model.dispose();
    extract.dispose();
  }),

  'what cannot cross throws, and names worker: false': inPages(async (heed, env) => {
    const model = await load(heed, env);
    const strange = { logits_processor: () => 1 } as object;
    const thrown = [
      await assertHeedError(heed, 'UNSUPPORTED', () => model(inputs, strange)),
      await assertHeedError(heed, 'ARGUMENT', () => model({ input_ids: [[Symbol()]] } as never)),
      await assertHeedError(heed, 'UNSUPPORTED', () => model.encoder),
    ];
    for (const error of thrown) assert(error.cure?.includes('worker: false'), `no cure: ${error}`);
    const engine = await heed.createEngine();
    await assertHeedError(heed, 'ARGUMENT', () => load(heed, env, { engine, worker: true }));
    await engine.dispose();
    model.dispose();
    const error = await assertHeedError(heed, 'ARGUMENT', () => model(inputs));
    assert(error.culprit === 'model', `${error}`);
  }),

  'a load is not touched by the end of another': inPages(async (heed, env) => {
    const reason = new Error('no longer wanted');
    const aborted = Array.from({ length: 3 }, () => thrownBy(() => load(heed, env, { signal: AbortSignal.abort(reason) })));
    const [first] = await Promise.all([load(heed, env), ...aborted]);
    const second = load(heed, env);
    await null;
    first.dispose();
    const model = await second;
    assert((await model(inputs)).last_hidden_state.size > 0, 'no answer');
    model.dispose();
  }),

  'addresses mean what they mean to the page': inPages(async (heed, env) => {
    const { origin, pathname } = new URL(tiny(env));
    if (origin !== location.origin) throw new Skip('the page has no site of its own');
    const up = '../'.repeat(location.pathname.split('/').length - 2);
    const model = await heed.AutoModel.from_pretrained(`${up}.${pathname}`);
    model.dispose();
  }),

  'an abort reaches them, and leaves them in order': inPages(async (heed, env) => {
    const reason = new Error('no longer wanted');
    const extract = await heed.pipeline('feature-extraction', tiny(env));
    const texts = Array.from({ length: 2000 }, (_, i) => `text number ${i} of many that are embedded`);
    const late = new AbortController();
    const running = thrownBy(() => extract(texts, { signal: late.signal, onProgress: () => late.abort(reason) }));
    const thrown = [
      await running,
      await thrownBy(() => extract('a', { signal: AbortSignal.abort(reason) })),
      await thrownBy(() => load(heed, env, { signal: AbortSignal.abort(reason) })),
    ];
    const loading = new AbortController();
    const started = thrownBy(() => load(heed, env, { signal: loading.signal }));
    loading.abort(reason);
    thrown.push(await started);
    for (const [i, error] of thrown.entries()) assert(error === reason, `abort ${i} rejected with ${error}`);
    const { data } = await extract('a cat', { pooling: 'mean' });
    assert(data.every(Number.isFinite), 'it does not work after an abort');
    extract.dispose();
  }),

  'the page stays alive while they compute': inPages(async (heed, env) => {
    const extract = await heed.pipeline('feature-extraction', tiny(env), deterministic);
    const texts = Array.from({ length: 3000 }, (_, i) => `a text ${i} that takes its time because it is one of very many`);
    let turns = 0;
    const timer = setInterval(() => turns++, 4);
    await extract(texts, { pooling: 'mean' });
    clearInterval(timer);
    assert(turns >= 5, `the page had ${turns} turns`);
    extract.dispose();
  }),

  'a worker that cannot be one is refused or done without': inPages(async (heed, env) => {
    await assertHeedError(heed, 'ARGUMENT', () => load(heed, env, { worker: 'yes' as never }));
    const gone = new Worker('/nowhere.js', { type: 'module' });
    const error = await assertHeedError(heed, 'UNSUPPORTED', () => load(heed, env, { worker: gone as never }));
    assert(error.culprit === 'worker', `${error}`);
  }),
};
