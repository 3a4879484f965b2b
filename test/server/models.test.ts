/** The list of models: loaded when asked for, given up when another needs the memory, never while in use; and an engine that is lost is replaced. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEngine, type Engine, HeedError, pipeline } from 'heed';
import { createServer } from 'heed/server';
import { Hono } from 'hono';
import { afterAll, describe, expect, it } from 'vitest';
import { type Loader, Models, taskOfConfig } from '../../dist/server/models.js';
import { settingsOf } from '../../dist/server/options.js';
import { bindServer } from '../../dist/server/server.js';
import { tiny } from '../pipelines/tiny.js';
import { bertTiny, endless, longWriter, metricOf, post } from './serving.js';

/** A loader whose memory holds two models. */
function loader() {
  const loaded = new Set<string>();
  const events: string[] = [];
  const own = {
    createEngine: async () => ({ dispose: async () => events.push('engine') }) as unknown as Engine,
    configOf: async () => ({ architectures: ['LlamaForCausalLM'] }),
    pipeline: async (_: string, name: string) => {
      if (loaded.size >= 2) throw new HeedError('MEMORY', 'full');
      loaded.add(name);
      events.push(`+${name}`);
      return {
        dispose() {
          loaded.delete(name);
          events.push(`-${name}`);
        },
      };
    },
  };
  return { events, loaded, own: own as unknown as Loader };
}
const settings = settingsOf({ models: { a: 'A', b: 'B', c: 'C' } });

describe('models', () => {
  it('are loaded at first, and give way to each other by their last use', async () => {
    const { own, events } = loader();
    const models = await Models.open(own, settings);
    expect(events).toEqual(['+A', '+B', '-A', '+C']);
    const b = await models.hold('b', 'text-generation');
    b.release();
    await (await models.hold('c', 'text-generation')).release();
    events.length = 0;
    const a = await models.hold('a', 'text-generation');
    expect(events).toEqual(['-B', '+A']);
    expect(models.all.map(({ isLoaded }) => isLoaded)).toEqual([true, false, true]);
    const c = await models.hold('c', 'text-generation');
    await expect(models.hold('b', 'text-generation')).rejects.toMatchObject({ status: 503 });
    a.release();
    a.release();
    const again = await models.hold('b', 'text-generation');
    expect(events).toEqual(['-B', '+A', '-A', '+B']);
    for (const held of [c, again]) held.release();
    await models.dispose();
    expect(events.at(-1)).toBe('engine');
  });

  it('are found by their names alone', async () => {
    const models = await Models.open(loader().own, settings);
    for (const name of ['A', '../a', 'constructor', '__proto__', ''])
      await expect(models.hold(name, 'text-generation')).rejects.toMatchObject({ status: 404, code: 'model_not_found' });
    await expect(models.hold('a', 'feature-extraction')).rejects.toMatchObject({ status: 400, code: 'model_not_supported' });
  });

  it('have tasks by the classes that config.json names', () => {
    const task = (name: string, more = {}) => taskOfConfig({ architectures: [name], ...more }, false);
    expect(
      ['GPT2LMHeadModel', 'WhisperForConditionalGeneration', 'Wav2Vec2ForCTC', 'BertForSequenceClassification'].map((name) => task(name)),
    ).toEqual([...['text-generation', 'automatic-speech-recognition', 'automatic-speech-recognition', 'text-classification']]);
    expect(['MarianMTModel', 'M2M100ForConditionalGeneration', 'BertModel', 'BertForMaskedLM'].map((name) => task(name))).toEqual([
      ...['translation', 'translation', 'feature-extraction', 'feature-extraction'],
    ]);
    expect(task('MoonshineForConditionalGeneration', { is_encoder_decoder: true })).toBe('automatic-speech-recognition');
    expect(taskOfConfig({}, true)).toBe('text-generation');
    expect(taskOfConfig({ is_encoder_decoder: true }, false)).toBe('translation');
  });
});

describe('models of files in a memory that does not hold them all', () => {
  it('are given up by their last use, and answer the same when they are loaded again', async () => {
    // Twelve of them fill a mebibyte.
    const names = Array.from({ length: 14 }, (_, i) => `m${i}`);
    const models = Object.fromEntries(names.map((name) => [name, bertTiny]));
    const server = await createServer({ models, engine: { threads: 1, deterministic: true, memory: { maximum: 2 ** 20 } } });
    const vectorOf = async (model: string) => {
      const answer = await post(server, '/v1/embeddings', { model, input: 'a cat' });
      expect(answer.status).toBe(200);
      return ((await answer.json()) as { data: { embedding: number[] }[] }).data[0]?.embedding;
    };
    const loaded = async () => {
      const { data } = (await (await server.fetch(new Request('http://localhost/v1/models'))).json()) as {
        data: { id: string; loaded: boolean }[];
      };
      return data.flatMap((one) => (one.loaded ? [one.id] : []));
    };
    const first = await loaded();
    expect(first).toEqual(names.slice(-first.length));
    expect(first.length).toBeLessThan(names.length);
    const [oldest = '', second = ''] = first;
    const vector = await vectorOf(oldest);
    expect(await vectorOf('m0')).toEqual(vector);
    // The oldest was used since, so that the second gave way.
    expect(await loaded()).toContain(oldest);
    expect(await loaded()).not.toContain(second);
    expect(await vectorOf(second)).toEqual(vector);
    await server.close();
  });

  it('whose files are gone get 503, and others go on', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'heed-'));
    cpSync(bertTiny, folder, { recursive: true });
    const names = Array.from({ length: 13 }, (_, i) => `m${i}`);
    const models = { gone: folder, ...Object.fromEntries(names.map((name) => [name, bertTiny])) };
    const server = await createServer({ models, engine: { threads: 1, deterministic: true, memory: { maximum: 2 ** 20 } } });
    rmSync(folder, { recursive: true });
    const ask = (model: string) => post(server, '/v1/embeddings', { model, input: 'a cat' });
    const refused = await ask('gone');
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '10']);
    // A client does not learn where models are.
    expect(await refused.text()).not.toContain(folder);
    expect((await ask('m12')).status).toBe(200);
    cpSync(bertTiny, folder, { recursive: true });
    expect((await ask('gone')).status).toBe(200);
    await server.close();
    rmSync(folder, { recursive: true });
  });
});

describe('a pipeline that was loaded already', () => {
  it('is served as it is, in an app of another, and stays when the server ends', async () => {
    const engine = await createEngine({ threads: 1, deterministic: true });
    const own = await pipeline('feature-extraction', bertTiny, { engine });
    const server = await createServer({ models: { own } });
    const app = new Hono().mount('/ai', server.fetch);
    const body = JSON.stringify({ model: 'own', input: 'a cat' });
    const response = await app.request('/ai/v1/embeddings', { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    const { data } = (await response.json()) as { data: { embedding: number[] }[] };
    await server.close();
    expect([data[0]?.embedding]).toEqual((await own.encode(['a cat'])).tolist());
    await engine.dispose();
    const other = await pipeline('fill-mask', tiny('mlm'));
    await expect(createServer({ models: { other: other as never } })).rejects.toMatchObject({ code: 'UNSUPPORTED', culprit: 'models' });
    other.dispose();
  });
});

describe('an engine that is lost in the middle of a request', () => {
  let engine: Engine | undefined;
  let engines = 0;
  const create = bindServer({
    createEngine: async (options) => {
      engines++;
      engine = await createEngine(options);
      return engine;
    },
    configOf: async () => ({ architectures: ['LlamaForCausalLM'] }),
    pipeline: (task, model, options) => pipeline(task, model, options) as never,
  });
  afterAll(() => engine?.dispose());

  it('fails what it worked on, and the next request is answered by another', async () => {
    const server = await create({ models: { writer: { source: longWriter } }, engine: { threads: 2, deterministic: true } });
    const messages = [{ role: 'user', content: 'Hi' }];
    const ask = (more: object) =>
      post(server, '/v1/chat/completions', { model: 'writer', temperature: 0, messages, max_tokens: 8, ...more });
    const before = await (await ask({})).json();
    const running = [ask(endless), ask({ ...endless, stream: true })];
    await expect.poll(() => metricOf(server, 'heed_places_taken{model="writer"}')).toBe(2);
    await engine?.dispose();
    const [whole, stream] = (await Promise.all(running)) as [Response, Response];
    expect(whole.status).toBe(503);
    expect((await stream.text()).trim().split('\n\n').at(-1)).toContain('"type":"server_error"');
    const after = (await (await ask({})).json()) as { choices: object };
    expect(after.choices).toEqual((before as { choices: object }).choices);
    expect(engines).toBe(2);
    await server.close();
  });
});
