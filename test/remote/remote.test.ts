import { describe, expect, it, vi } from 'vitest';
import { HeedError } from '../../dist/errors.js';
import { Remote } from '../../dist/remote/client.js';
import type { Hosted } from '../../dist/remote/host.js';
import { HostTensor } from '../../dist/tensor.js';
import { codeOf, host, servable } from './host.js';

describe('a model in a worker', () => {
  it('looks like one that is here, but for what stays there', async () => {
    const { handle } = host({ thing: async () => servable((x) => x) });
    const remote = await Remote.start(handle);
    const thing = (await remote.load('thing', [], {})) as unknown as Record<string, unknown> & ((x: unknown) => Promise<unknown>);
    expect(thing.config).toEqual({ size: 3 });
    expect(thing.secret).toBeUndefined();
    expect(() => thing.engine).toThrow(expect.objectContaining({ code: 'UNSUPPORTED', cure: expect.stringContaining('worker: false') }));
    expect(await thing({ a: [1n, Float32Array.of(2)] })).toEqual({ a: [1n, Float32Array.of(2)] });
  });

  it('answers with host tensors, however deep they lie', async () => {
    const y = { a: [new HostTensor('float32', Float32Array.of(1, 2), [2])], b: new HostTensor('int32', Int32Array.of(3), [1, 1]) };
    const { handle } = host({ thing: async () => servable(() => y) });
    const thing = await (await Remote.start(handle)).load('thing', [], {});
    const answer = (await thing()) as typeof y;
    expect(answer.a[0]).toBeInstanceOf(HostTensor);
    expect(answer.b.tolist()).toEqual([[3]]);
    expect(y.b.data.length, 'moved, not copied').toBe(0);
  });

  it('rejects as it would here: with a HeedError, whole', async () => {
    const error = new HeedError('SHAPE', 'x is [1]', { culprit: 'x', shape: [1], cure: 'Give [2]' });
    const { handle } = host({ thing: async () => servable(() => Promise.reject(error)) });
    const thing = await (await Remote.start(handle)).load('thing', [], {});
    const thrown = (await thing().catch((e: unknown) => e)) as HeedError;
    expect(thrown).toBeInstanceOf(HeedError);
    for (const key of ['code', 'message', 'culprit', 'shape', 'cure'] as const) expect(thrown[key]).toEqual(error[key]);
  });

  it('is loaded by names that the worker knows', async () => {
    const { handle } = host({ thing: async () => servable(() => 1) });
    const remote = await Remote.start(handle);
    const keep = await remote.load('thing', [], {});
    expect(await codeOf(remote.load('toString', [], {}))).toBe('UNSUPPORTED');
    expect(await keep()).toBe(1);
  });
});

describe('its end', () => {
  it('comes a second after the last model, and takes the memory along', async () => {
    const dispose = vi.fn();
    const { handle } = host({ thing: async () => servable(() => 1, dispose) });
    const remote = await Remote.start(handle);
    const [a, b] = [await remote.load('thing', [], {}), await remote.load('thing', [], {})];
    a.dispose();
    a.dispose();
    expect(handle.terminate).not.toHaveBeenCalled();
    expect(await b()).toBe(1);
    expect(dispose).toHaveBeenCalledTimes(1);
    expect(await codeOf(a()), 'a disposed one').toBe('ARGUMENT');
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      b.dispose();
      vi.advanceTimersByTime(900);
      // The next one finds the worker still there.
      const c = await remote.load('thing', [], {});
      vi.advanceTimersByTime(2000);
      expect(handle.terminate).not.toHaveBeenCalled();
      c.dispose();
      vi.advanceTimersByTime(2000);
    } finally {
      vi.useRealTimers();
    }
    expect(handle.terminate).toHaveBeenCalledTimes(1);
    expect(remote.ended).toBe(true);
    expect(await codeOf(b())).toBe('ARGUMENT');
  });

  it('may be an accident: what waits is told, and so is who comes later', async () => {
    const { handle, die } = host({ thing: async () => servable(() => new Promise(() => {})) });
    const thing = await (await Remote.start(handle)).load('thing', [], {});
    const waiting = codeOf(thing());
    die(new Error('out of memory'));
    expect(await waiting).toBe('ENGINE_LOST');
    await expect(thing()).rejects.toThrow(/out of memory/);
    thing.dispose();
    expect(handle.terminate).toHaveBeenCalledTimes(1);
  });

  it('comes early when it does not start', async () => {
    vi.useFakeTimers();
    try {
      const silent = host(undefined);
      const start = expect(Remote.start(silent.handle)).rejects.toThrow(/did not answer/);
      await vi.advanceTimersByTimeAsync(11_000);
      await start;
      expect(silent.handle.terminate).toHaveBeenCalledTimes(1);
    } finally {
      vi.useRealTimers();
    }
    const broken = host(undefined);
    broken.die(new Error('404'));
    await expect(Remote.start(broken.handle)).rejects.toThrow('404');
  });
});

describe('an abort', () => {
  it('reaches a call, which rejects at once', async () => {
    const seen = vi.fn();
    let called = () => {};
    const calling = new Promise<void>((resolve) => {
      called = resolve;
    });
    const run = (_: unknown, { signal }: { signal: AbortSignal }) =>
      new Promise((_resolve, reject) => {
        called();
        signal.addEventListener('abort', () => {
          seen();
          reject(signal.reason);
        });
      });
    const { handle } = host({ thing: async () => servable(run as never) });
    const thing = (await (await Remote.start(handle)).load('thing', [], {})) as unknown as (x: unknown, o: object) => Promise<unknown>;
    const controller = new AbortController();
    const running = codeOf(thing(1, { signal: controller.signal }));
    await calling;
    controller.abort('enough');
    expect(await running).toBe('enough');
    await expect.poll(() => seen.mock.calls.length).toBe(1);
  });

  it('reaches a load, whose model is disposed of when it is done all the same', async () => {
    const dispose = vi.fn();
    let loads = 0;
    let finish: (made: Hosted) => void = () => {};
    const thing = () =>
      new Promise<Hosted>((resolve) => {
        loads++;
        finish = resolve;
      });
    const { handle } = host({ thing });
    const remote = await Remote.start({ ...handle, terminate: undefined });
    const controller = new AbortController();
    const loading = codeOf(remote.load('thing', [], { signal: controller.signal }));
    await expect.poll(() => loads).toBe(1);
    controller.abort('enough');
    expect(await loading).toBe('enough');
    finish(servable(() => 1, dispose));
    await expect.poll(() => dispose.mock.calls.length).toBe(1);
  });
});

describe('listeners', () => {
  it('are called here; one that throws ends its call', async () => {
    const run = async (_: unknown, { onProgress }: { onProgress(n: number): void }) => {
      onProgress(1);
      onProgress(2);
      return 3;
    };
    const { handle } = host({ thing: async () => servable(run as never) });
    const thing = (await (await Remote.start(handle)).load('thing', [], {})) as unknown as (x: unknown, o: object) => Promise<unknown>;
    const heard: number[] = [];
    expect(await thing(0, { onProgress: (n: number) => heard.push(n) })).toBe(3);
    expect(heard).toEqual([1, 2]);
    const throws = () => {
      throw new Error('mine');
    };
    await expect(thing(0, { onProgress: throws })).rejects.toThrow('mine');
  });

  it('that throw as a model is ready leave nothing behind', async () => {
    const dispose = vi.fn();
    const loaded = servable(() => 1, dispose);
    const thing = async ({ progress_callback: listen }: { progress_callback?: () => void }) => {
      listen?.();
      return loaded;
    };
    const remote = await Remote.start(host({ thing: thing as never }).handle);
    const keep = await remote.load('thing', [], {});
    const throws = () => {
      throw new Error('mine');
    };
    await expect(remote.load('thing', [], { progress_callback: throws })).rejects.toThrow('mine');
    await expect.poll(() => dispose.mock.calls.length).toBe(1);
    expect(await keep()).toBe(1);
  });

  it('and signals that are none are refused, as they are here', async () => {
    const thing = (await (await Remote.start(host({ thing: async () => servable(() => 1) }).handle)).load('thing', [], {})) as never as (
      ...args: unknown[]
    ) => Promise<unknown>;
    for (const options of [{ signal: {} }, { signal: null }, null, 5, [], { strange: () => 1 }])
      expect(['ARGUMENT', 'UNSUPPORTED']).toContain(await codeOf(thing(1, options)));
  });
});
