/** Where models live: on this thread, in a worker of heed's or of the user's, on engines that are shared or their own. */
import { describe, expect, it, vi } from 'vitest';
import type { Source } from '../../dist/io/find.js';
import type { Hosted } from '../../dist/remote/host.js';
import { Place } from '../../dist/remote/place.js';
import { nodeRuntime } from '../../dist/runtime/node.js';
import type { HostHandle, Runtime } from '../../dist/runtime/types.js';
import { codeOf, host, servable } from './host.js';

describe('a place for models', () => {
  const info = { reason: 'it is old' };
  const loaders = {
    thing: async () =>
      Object.assign(
        servable(() => 'here'),
        { info },
      ),
  };
  const source: Source = { heed: 'source', name: 'model', subfolder: undefined, location: 'https://site/model' };
  const page = (startHost: () => HostHandle): Place => new Place({ ...nodeRuntime, drawsPage: () => true, startHost } as Runtime);
  const load = (place: Place, options: object = {}) => place.load('thing', [], source, options, loaders) as Promise<Hosted>;
  const there = () => host({ thing: async () => servable(() => 'there') }).handle;

  it('is a worker for a page, one for all models, and a new one when that has ended', async () => {
    const startHost = vi.fn(there);
    const place = page(startHost);
    const [a, b] = await Promise.all([load(place), load(place)]);
    expect([await a(), await b()]).toEqual(['there', 'there']);
    expect(startHost).toHaveBeenCalledTimes(1);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    a.dispose();
    b.dispose();
    vi.advanceTimersByTime(2000);
    vi.useRealTimers();
    const c = await load(place);
    expect(await c()).toBe('there');
    expect(startHost).toHaveBeenCalledTimes(2);
  });

  it('is here where the page wants it so, or cannot have it otherwise', async () => {
    const refuse = () => {
      throw new Error('of another origin');
    };
    expect(await (await load(page(there), { worker: false }))()).toBe('here');
    const place = page(refuse);
    expect(await (await load(place))()).toBe('here');
    const told = (await load(place)) as unknown as { info: { reason: string } };
    expect(told.info.reason).toBe('it is old; models run on this thread, since their worker did not start: of another origin');
    await expect(load(place, { worker: true })).rejects.toThrow(/of another origin.*worker: false/);
  });

  it('is the worker that was given, which heed does not end', async () => {
    const { port } = there();
    const place = new Place(nodeRuntime);
    const a = await load(place, { worker: port });
    a.dispose();
    const b = await load(place, { worker: port });
    expect(await b()).toBe('there');
    await expect(load(place, { worker: 3 })).rejects.toThrow(/worker is 3/);
  });

  it('has a worker for each load, whenever others end', async () => {
    const place = page(there);
    const gone = Array.from({ length: 3 }, () => codeOf(load(place, { signal: AbortSignal.abort('no') })));
    const loaded = load(place);
    expect(await Promise.all(gone)).toEqual(['no', 'no', 'no']);
    const a = await loaded;
    for (let turns = 0; turns < 6; turns++) {
      const before = await load(place);
      const next = load(place);
      for (let i = 0; i < turns; i++) await null;
      before.dispose();
      expect(await (await next)()).toBe('there');
      (await next).dispose();
    }
    a.dispose();
  });

  it('keeps signals on its side, an engine’s too, and sends the model as it is meant here', async () => {
    const seen: unknown[] = [];
    const startHost = () => host({ thing: async (...args: unknown[]) => servable(() => seen.push(...args)) }).handle;
    const place = page(startHost);
    const thing = await load(place, { engine: { threads: 1, signal: new AbortController().signal } });
    await thing();
    expect(seen).toMatchObject([source, { engine: { threads: 1 } }]);
    expect(await codeOf(load(place, { engine: { signal: AbortSignal.abort('enough') } }))).toBe('enough');
    thing.dispose();
  });

  it('has an engine of its own for whoever gives options of one, which ends with the model', async () => {
    const place = new Place(nodeRuntime);
    const seen: { disposed: boolean; info: { deterministic: boolean } }[] = [];
    const make = async (engine: (typeof seen)[number]) => {
      seen.push(engine);
      return servable(() => 1);
    };
    const made = await place.onEngine({ engine: { deterministic: true, threads: 1 } }, make as never);
    expect(seen[0]?.info.deterministic).toBe(true);
    made.dispose();
    expect(seen[0]?.disposed).toBe(true);
    await expect(place.onEngine({ engine: { threads: -1 } }, make as never)).rejects.toThrow(/threads/);
    await expect(place.onEngine({ engine: { threads: 1 } }, () => Promise.reject(new Error('no model')))).rejects.toThrow('no model');
  });
});
