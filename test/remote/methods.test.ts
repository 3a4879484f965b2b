/** Methods of models across a port: `generate`, streamers, signals, and models that write. */
import { fileURLToPath } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import { Remote } from '../../dist/remote/client.js';
import type { Hosted, Loaders } from '../../dist/remote/host.js';
import { HostTensor } from '../../dist/tensor.js';
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
