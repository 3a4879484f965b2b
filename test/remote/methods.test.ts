/** Methods of models across a port: `generate`, streamers, signals, and models that write. */
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { constrain } from '../../dist/generation/grammar/constrain.js';
import { registerResponseFormats } from '../../dist/generation/response_format.js';
import { Remote, registerComposed, registerFiles } from '../../dist/remote/client.js';
import { classifyOf, fitOf } from '../../dist/remote/examples.js';
import { crossingFiles } from '../../dist/remote/files.js';
import type { Hosted, Loaders } from '../../dist/remote/host.js';
import { HostTensor } from '../../dist/tensor.js';
import { failureOf } from '../io/memory.js';
import { tinyWriter } from '../pipelines/tiny_writer.js';
import { codeOf, host, servable } from './host.js';

describe('a method of a model in a worker', () => {
  const writer = () => {
    const generate = vi.fn(
      async ({ streamer, n }: { streamer?: { put(rows: number[][]): void; end(): void }; n: number; signal?: AbortSignal }) => {
        streamer?.put([[0]]);
        streamer?.put([[n]]);
        streamer?.end();
        return new HostTensor('int32', Int32Array.of(0, n), [1, 2]);
      },
    );
    return {
      generate,
      loaders: {
        thing: async () =>
          Object.assign(
            servable(() => 1),
            { generate, secretly: () => 2 },
          ),
        plain: async () => servable(() => 1),
      },
    };
  };
  type Writer = Hosted & { generate(options: object): Promise<HostTensor>; secretly?: unknown };

  it('is called as it would be here, with a streamer that hears of everything before the result comes', async () => {
    const { generate, loaders } = writer();
    const remote = await Remote.start(host(loaders).handle);
    const thing = (await remote.load('thing', [], {})) as Writer;
    const heard: unknown[] = [];
    class Listener {
      #list = heard;
      put(rows: number[][]) {
        this.#list.push(rows);
      }
      end() {
        this.#list.push('end');
      }
    }
    const result = await thing.generate({ n: 7, streamer: new Listener() });
    expect(heard).toEqual([[[0]], [[7]], 'end']);
    expect(result.tolist()).toEqual([[0, 7]]);
    expect(generate.mock.calls[0]?.[0].signal).toBeInstanceOf(AbortSignal);
    expect((await thing.generate({ n: 8 })).tolist()).toEqual([[0, 8]]);
    expect(await thing()).toBe(1);
  });

  it('reaches what a streamer may do without, where it has that', async () => {
    const stopping = async ({ streamer }: { streamer: { stopsAt?(strings: readonly string[]): void; put(rows: number[][]): void } }) => {
      streamer.stopsAt?.(['.']);
      streamer.put([[1]]);
      return new HostTensor('int32', Int32Array.of(1), [1, 1]);
    };
    const loaders = {
      thing: async () =>
        Object.assign(
          servable(() => 1),
          { generate: stopping },
        ),
    };
    const thing = (await (await Remote.start(host(loaders as never).handle)).load('thing', [], {})) as Writer;
    const heard: unknown[] = [];
    const put = (rows: number[][]) => void heard.push(rows);
    await thing.generate({ streamer: { put, end: () => {}, stopsAt: (strings: readonly string[]) => void heard.push(strings) } });
    await thing.generate({ streamer: { put, end: () => {} } });
    expect(heard).toEqual([['.'], [[1]], [[1]]]);
  });

  it('is there where the model has it, and no others are', async () => {
    const { loaders } = writer();
    const remote = await Remote.start(host(loaders).handle);
    expect(((await remote.load('thing', [], {})) as Writer).secretly).toBeUndefined();
    expect(((await remote.load('plain', [], {})) as Writer).generate).toBeUndefined();
  });

  it('cannot be given a function that is no listener, nor called when the model is gone', async () => {
    const { loaders } = writer();
    const remote = await Remote.start(host(loaders).handle);
    const [thing, other] = [(await remote.load('thing', [], {})) as Writer, await remote.load('thing', [], {})];
    expect(await codeOf(thing.generate({ n: 1, logits_processor: () => {} }))).toBe('UNSUPPORTED');
    expect(await codeOf(thing.generate({ n: 1, streamer: { put: () => {}, end: 1, also: () => {} } }))).toBe('ARGUMENT');
    const reason = new Error('no');
    expect(
      await codeOf(
        thing.generate({
          n: 1,
          streamer: {
            put: () => {
              throw reason;
            },
            end() {},
          },
        }),
      ),
    ).toBe(reason);
    thing.dispose();
    expect(await codeOf(thing.generate({ n: 1 }))).toBe('ARGUMENT');
    other.dispose();
  });

  it('ends with a signal', async () => {
    const { loaders } = writer();
    const remote = await Remote.start(host(loaders).handle);
    const thing = (await remote.load('thing', [], {})) as Writer;
    const reason = new Error('enough');
    expect(await codeOf(thing.generate({ n: 1, signal: AbortSignal.abort(reason) }))).toBe(reason);
  });
});

describe('a model that writes, in a worker', () => {
  it('writes and streams what it writes here', async () => {
    const { AutoModelForSeq2SeqLM, createEngine } = await import('../../dist/entry/node.js');
    const folder = fileURLToPath(new URL('../fixtures/hf/bart', import.meta.url));
    const engine = await createEngine({ threads: 1, deterministic: true });
    const load = () => AutoModelForSeq2SeqLM.from_pretrained(folder, { engine });
    const remote = await Remote.start(host({ AutoModelForSeq2SeqLM: load as unknown as Loaders[string] }).handle);
    const there = (await remote.load('AutoModelForSeq2SeqLM', [], {})) as unknown as Awaited<ReturnType<typeof load>>;
    const here = await load();
    const heard: number[][][] = [[], []];
    const outputs = [];
    for (const [i, model] of [here, there].entries()) {
      const streamer = { put: (rows: number[][]) => void heard[i]?.push(...rows), end: () => void heard[i]?.push([-1]) };
      outputs.push(await model.generate({ input_ids: [[5, 6, 7]], max_new_tokens: 6, streamer }));
      outputs.push(await model.generate({ input_ids: [[5, 6, 7]], num_beams: 2, return_dict_in_generate: true, output_attentions: true }));
      outputs.push(await model({ input_ids: [[5, 6, 7]], decoder_input_ids: [[0, 5]] }));
    }
    expect(outputs.slice(3)).toEqual(outputs.slice(0, 3));
    expect(heard[1]).toEqual(heard[0]);
    expect(heard[0]?.at(-1)).toEqual([-1]);
    expect(there.generation_config).toEqual(here.generation_config);
    expect(() => there.module).toThrow(expect.objectContaining({ code: 'UNSUPPORTED', cure: expect.stringContaining('worker: false') }));
    there.dispose();
    await engine.dispose();
  });
});

describe('a language model in a worker', async () => {
  const { AutoModelForCausalLM, AutoTokenizer, createEngine, DynamicCache } = await import('../../dist/entry/node.js');
  const engine = await createEngine({ threads: 1, deterministic: true });
  afterAll(() => engine.dispose());
  const load = () => AutoModelForCausalLM.from_pretrained(tinyWriter, { engine });
  type Model = Awaited<ReturnType<typeof load>>;
  const both = async () => {
    const { handle } = host({ AutoModelForCausalLM: load as unknown as Loaders[string] });
    const remote = await Remote.start(handle);
    const there = async () => (await remote.load('AutoModelForCausalLM', [], {})) as unknown as Model;
    const post = vi.spyOn(handle.port, 'postMessage');
    /** Bytes of the messages to the worker so far. */
    const sent = () => JSON.stringify(post.mock.calls).length;
    return { here: await load(), there, sent };
  };
  const tokenizer = await AutoTokenizer.from_pretrained(tinyWriter);
  const inputs = { ...tokenizer('Hello'), max_new_tokens: 12 };
  const stopAt = (text: string) => ({ ...inputs, tokenizer, stop_strings: [text] });

  it('takes a tokenizer, whose files cross once, for stop strings and forms of answers', async () => {
    const { here, there, sent } = await both();
    const far = await there();
    const plain = tokenizer.batch_decode(await far.generate(inputs))[0] as string;
    const stop = plain.slice(-4, -2);
    const ended = await far.generate(stopAt(stop));
    expect(ended).toEqual(await here.generate(stopAt(stop)));
    expect(ended.dims[1]).toBeLessThan((await far.generate(inputs)).dims[1] as number);
    const before = sent();
    expect(await far.generate(stopAt(stop))).toEqual(ended);
    expect(sent() - before).toBeLessThan(2000);
    const form = { ...inputs, tokenizer, response_format: { type: 'choice', choices: ['no', 'yes'] } } as const;
    registerResponseFormats(constrain);
    expect(await far.generate(form)).toEqual(await here.generate(form));
    const streamed = async (model: Model) => {
      let text = '';
      for await (const piece of model.stream(stopAt(stop))) text += piece;
      return text;
    };
    expect(await streamed(far)).toBe(await streamed(here));
    for (const one of [here, far]) one.dispose();
  });

  it('takes the tokenizer as it is by now', async () => {
    const { here, there } = await both();
    const far = await there();
    const own = await AutoTokenizer.from_pretrained(tinyWriter);
    const form = { ...inputs, tokenizer: own, response_format: { type: 'regex', regex: 'a*' } } as const;
    await far.generate(form);
    own.eos_token = own.id_to_token(5);
    expect(await far.generate(form)).toEqual(await here.generate(form));
    for (const one of [here, far]) one.dispose();
  });

  it('takes a draft model of the same worker, and no other', async () => {
    const { here, there } = await both();
    const [far, small] = [await there(), await there()];
    const run = vi.spyOn(here.module, 'decode');
    expect(await far.generate({ ...inputs, assistant_model: small })).toEqual(await far.generate(inputs));
    expect(run).not.toHaveBeenCalled();
    const refused = (options: object) => failureOf(() => far.generate({ ...inputs, ...options }));
    expect(await refused({ assistant_model: here })).toMatchObject({
      culprit: 'assistant_model',
      cure: expect.stringMatching(/same worker/),
    });
    small.dispose();
    expect(await refused({ assistant_model: small })).toMatchObject({ code: 'ARGUMENT', culprit: 'model' });
    for (const one of [here, far]) one.dispose();
  });

  it.each<[string, unknown]>([
    ['tokenizer', { decode: () => '' }],
    ['logits_processor', () => {}],
    ['logits_processor', [() => {}]],
    [
      'stopping_criteria',
      new (class {
        _call = () => true;
      })(),
    ],
    ['past_key_values', new DynamicCache()],
    ['response_format', { processor: () => {} }],
  ])('refuses a %s that cannot cross by its name', async (name, value) => {
    const { here, there } = await both();
    const far = await there();
    expect(await failureOf(() => far.generate({ ...inputs, [name]: value }))).toMatchObject({
      ...{ code: 'UNSUPPORTED', culprit: name, cure: expect.stringContaining('worker: false') },
    });
    expect((await far.generate({ ...inputs, [name]: undefined })).dims).toEqual((await here.generate(inputs)).dims);
    for (const one of [here, far]) one.dispose();
  });
});

describe('a pipeline of files in a worker', () => {
  registerFiles(crossingFiles);

  it('is given addresses as the page means them, and pixels as they are', async () => {
    const run = vi.fn(async (images: unknown) => images);
    const loaders = { thing: async () => Object.assign(servable(run as never), { reads: 'files' }) };
    const thing = await (await Remote.start(host(loaders as never).handle)).load('thing', [], {});
    vi.stubGlobal('document', { baseURI: 'https://example.org/pets/index.html' });
    const pixels = { data: new Uint8ClampedArray(3), width: 1, height: 1, channels: 3 };
    expect(
      await (thing as unknown as typeof run)(['cat.jpg', 'https://other.org/dog.png', new URL('https://other.org/a.wav'), pixels]),
    ).toEqual(['https://example.org/pets/cat.jpg', 'https://other.org/dog.png', 'https://other.org/a.wav', pixels]);
    // What is no address is for the worker to refuse.
    expect(await (thing as unknown as typeof run)('http://')).toBe('http://');
    vi.unstubAllGlobals();
    expect(await (thing as unknown as typeof run)('cat.jpg')).toBe('cat.jpg');
    expect(() => (thing as unknown as { processor: unknown }).processor).toThrow(/worker: false/);
  });

  it('is given the pixels of a canvas, and the samples of an AudioBuffer', async () => {
    const run = vi.fn(async (files: unknown) => files);
    const loaders = { thing: async () => Object.assign(servable(run as never), { reads: 'files' }) };
    const thing = (await (await Remote.start(host(loaders as never).handle)).load('thing', [], {})) as unknown as typeof run;
    const data = Uint8ClampedArray.of(1, 2, 3, 255);
    const canvas = { width: 1, height: 1, getContext: (kind: string) => (kind === '2d' ? { getImageData: () => ({ data }) } : null) };
    expect(await thing([canvas])).toEqual([{ data, width: 1, height: 1, channels: 4 }]);
    const buffer = { sampleRate: 8000, numberOfChannels: 2, getChannelData: (channel: number) => Float32Array.of(channel) };
    expect(await thing(buffer)).toEqual({ sampleRate: 8000, channelData: [Float32Array.of(0), Float32Array.of(1)] });
    expect(await failureOf(() => thing({ ...canvas, getContext: () => null }))).toMatchObject({ code: 'ARGUMENT', culprit: 'image' });
  });

  it('learns from files as the page means them, and sorts them; a model of texts is given texts', async () => {
    registerComposed('fit', fitOf);
    registerComposed('classify', classifyOf);
    const told = (what: unknown, { validation }: { validation?: unknown }) => [what, validation];
    const made = (reads: object) => Object.assign(servable((() => 1) as never), { fit: told, classify: (what: unknown) => what, ...reads });
    const loaders = { images: async () => made({ reads: 'files' }), texts: async () => made({}) };
    const remote = await Remote.start(host(loaders as never).handle);
    type Learner = { fit(examples: unknown, options?: object): Promise<unknown>; classify(what: unknown): Promise<unknown> };
    const [images, texts] = (await Promise.all([remote.load('images', [], {}), remote.load('texts', [], {})])) as unknown as Learner[];
    vi.stubGlobal('document', { baseURI: 'https://example.org/pets/' });
    const [near, far] = ['cat.jpg', 'https://example.org/pets/cat.jpg'].map((image) => [{ image, label: 'cat' }]);
    expect(await images?.fit(near, { validation: near })).toEqual([far, far]);
    expect(await images?.fit(near)).toEqual([far, undefined]);
    expect(await images?.classify(['cat.jpg'])).toEqual(['https://example.org/pets/cat.jpg']);
    const canvas = { width: 1, height: 1, getContext: () => null };
    for (const learning of [() => images?.classify(canvas), () => images?.fit([{ image: canvas, label: 'cat' }])]) {
      const promise = learning();
      await expect(promise).rejects.toMatchObject({ code: 'ARGUMENT', culprit: 'image' });
    }
    const examples = [{ text: 'cat.jpg', label: 'name' }];
    expect(await texts?.fit(examples, { validation: examples })).toEqual([examples, examples]);
    expect(await texts?.classify('cat.jpg')).toBe('cat.jpg');
    vi.unstubAllGlobals();
  });
});
