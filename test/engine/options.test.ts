/** createEngine: which options there are, what a wrong one says, and what `info` tells of what was got. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { Engine, type EngineOptions } from '../../dist/engine/engine.js';
import { hasRelaxed } from '../../dist/engine/features.js';
import { createEngine } from '../../dist/entry/node.js';
import { nodeRuntime } from '../../dist/runtime/node.js';
import type { Binary, Runtime } from '../../dist/runtime/types.js';
import { failureOf } from '../io/memory.js';
import { expectWorks } from './probe.js';

const made: Engine[] = [];
afterEach(() => Promise.all(made.splice(0).map((engine) => engine.dispose())));

async function engineWith(options?: EngineOptions, runtime: Partial<Runtime> = {}): Promise<Engine> {
  const engine = await Engine.create({ ...nodeRuntime, ...runtime }, options);
  made.push(engine);
  return engine;
}

const bytesOf = (binary: Binary) => readFileSync(fileURLToPath(new URL(`../../dist/wasm/${binary}.wasm`, import.meta.url)));
const moduleOf = (binary: Binary) => new WebAssembly.Module(bytesOf(binary));
const asOptions = (options: object) => options as EngineOptions;

describe('an option', () => {
  it('that does not exist is refused by name', async () => {
    const failure = await failureOf(() => createEngine(asOptions({ thread: 2 })));
    expect(failure).toMatchObject({ code: 'UNSUPPORTED', culprit: 'thread' });
    expect(failure.message).toContain('threads');
  });

  it('that does not exist within memory is refused by name', async () => {
    const failure = await failureOf(() => createEngine(asOptions({ memory: { limit: 1 << 20 } })));
    expect(failure).toMatchObject({ code: 'UNSUPPORTED', culprit: 'limit' });
  });

  it('that is undefined is as good as absent', async () => {
    const engine = await engineWith({ threads: undefined, memory: undefined, module: undefined, signal: undefined });
    expectWorks(engine);
  });

  it.each([0, -1, 1.5, 65, Number.NaN, '2', null])('threads: %s is refused', async (threads) => {
    expect(await failureOf(() => createEngine(asOptions({ threads })))).toMatchObject({ code: 'ARGUMENT', culprit: 'threads' });
  });

  it.each([0, -1, 1000, 2 ** 32 + 1, Number.NaN, '1e9'])('memory.maximum: %s is refused', async (maximum) => {
    const failure = await failureOf(() => createEngine(asOptions({ memory: { maximum } })));
    expect(failure).toMatchObject({ code: 'ARGUMENT', culprit: 'memory.maximum' });
  });

  it.each(['startTimeout', 'deadline', 'inlineBelow'])('%s must be a number from 0 on', async (name) => {
    for (const value of [-1, Number.NaN, '10'])
      expect(await failureOf(() => createEngine(asOptions({ [name]: value })))).toMatchObject({ code: 'ARGUMENT', culprit: name });
  });
});

describe('memory.maximum', () => {
  it.each([1, 2])('ends in a MEMORY error with a cure, after which the engine works on (%i threads)', async (threads) => {
    const engine = await engineWith({ threads, memory: { maximum: 4 << 20 } });
    const before = engine.memory();
    const failure = await failureOf(() => engine.allocate(8 << 20));
    expect(failure).toMatchObject({ code: 'MEMORY', culprit: 'memory' });
    expect(failure.message).toMatch(/8388608 bytes/);
    expect(failure.cure).toMatch(/maximum/);
    expect(engine.memory()).toEqual(before);
    expectWorks(engine);
    expect(engine.memory().size).toBeLessThanOrEqual(4 << 20);
  });

  it('need not be a multiple of a page', async () => {
    const engine = await engineWith({ threads: 1, memory: { maximum: (2 << 20) + 4711 } });
    expect((await failureOf(() => engine.allocate(2 << 20))).code).toBe('MEMORY');
    engine.allocate((2 << 20) - 65536 - 64).free();
    expect(engine.memory().size).toBe(2 << 20);
  });
});

describe('info', () => {
  it('tells of one thread without a reason when one was asked for', async () => {
    const { info } = await engineWith({ threads: 1, deterministic: true });
    expect(info).toEqual({
      ...{ runtime: nodeRuntime.name, simd: 'simd', wide: false, deterministic: true, threads: 1, shared: false, reason: undefined },
    });
  });

  it('tells why there is one thread where there might be more', async () => {
    const { info } = await engineWith({ threads: 4, deterministic: true }, { noThreads: () => 'the moon is full' });
    expect(info).toMatchObject({ threads: 1, shared: false, reason: 'the moon is full' });
  });

  it('says so where there is no relaxed SIMD', async () => {
    const { info } = await engineWith({ threads: 1 });
    expect(info.simd).toBe(hasRelaxed() ? 'relaxed' : 'simd');
    if (hasRelaxed()) expect(info.reason).toBeUndefined();
    else expect(info.reason).toMatch(/no relaxed SIMD/);
  });

  it.each([
    [1, 1],
    [3, 3],
    [100, 8],
  ])('counts by default the cores, at most 8: %i cores give %i', async (cores, threads) => {
    const { info } = await engineWith({}, { cores: () => cores });
    expect(info.threads).toBe(threads);
  });
});

describe('a module that is handed over', () => {
  it('is used, with one thread and the reason', async () => {
    const refuse = () => Promise.reject(new Error('nothing should be loaded'));
    const engine = await engineWith({ module: moduleOf('simd'), threads: 2 }, { loadModule: refuse });
    expect(engine.info).toMatchObject({ threads: 1, shared: false, simd: 'simd' });
    expect(engine.info.reason).toMatch(/handed over/);
    expectWorks(engine);
  });

  it('is chosen by the name of its binary', async () => {
    const refuse = () => Promise.reject(new Error('nothing should be loaded'));
    const module = { simd: moduleOf('simd'), 'simd-threads': moduleOf('simd-threads') };
    const engine = await engineWith({ module, threads: 2, deterministic: true, inlineBelow: 0 }, { loadModule: refuse });
    expect(engine.info).toMatchObject({ threads: 2, shared: true });
    expectWorks(engine);
  });

  // Node 20 cannot compile a relaxed module; the runtimes' suite runs relaxed binaries on Node 22, 24 and Chromium.
  it.skipIf(!hasRelaxed())('cannot be relaxed and deterministic', async () => {
    const failure = await failureOf(() => createEngine({ module: moduleOf('relaxed'), threads: 1, deterministic: true }));
    expect(failure).toMatchObject({ code: 'ARGUMENT', culprit: 'module' });
  });

  it.skipIf(!hasRelaxed())('tells by itself that it is relaxed', async () => {
    const engine = await engineWith({ module: moduleOf('relaxed'), threads: 1 });
    expect(engine.info.simd).toBe('relaxed');
    expectWorks(engine);
  });

  it('for threads is refused where it stands alone', async () => {
    const failure = await failureOf(() => createEngine({ module: moduleOf('simd-threads'), threads: 1 }));
    expect(failure).toMatchObject({ code: 'UNSUPPORTED', culprit: 'module' });
  });

  it.each([
    ['bytes', () => bytesOf('simd')],
    ['a string', () => 'simd'],
    ['a misspelt binary', () => ({ smid: moduleOf('simd') })],
    ['bytes by name', () => ({ simd: bytesOf('simd') })],
  ])('must be a WebAssembly.Module: %s is refused', async (_, module) => {
    const failure = await failureOf(() => createEngine(asOptions({ module: module(), threads: 1, deterministic: true })));
    expect(failure).toMatchObject({ code: 'ARGUMENT', culprit: 'module' });
  });
});

describe('a module of another build', () => {
  /** The global BUILD ends the only i32.const that is so large: found by its bytes. */
  function otherBuild(): WebAssembly.Module {
    const bytes = bytesOf('simd');
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), {
      env: { memory: new WebAssembly.Memory({ initial: 16, maximum: 65536 }), plain_rows: 4, tile_panels: 1 },
    });
    const leb: number[] = [0x41];
    for (let rest = (exports.BUILD as WebAssembly.Global).value as number; ; rest >>= 7) {
      const last = rest < 64;
      leb.push((rest & 127) | (last ? 0 : 128));
      if (last) break;
    }
    const at = bytes.indexOf(Buffer.from([...leb, 0x0b]));
    expect(at).toBeGreaterThan(0);
    bytes[at + 1] = (bytes[at + 1] as number) ^ 1;
    return new WebAssembly.Module(bytes);
  }

  it('is refused with both numbers and the cure', async () => {
    const failure = await failureOf(() => createEngine({ module: otherBuild(), threads: 1 }));
    expect(failure).toMatchObject({ code: 'UNSUPPORTED', culprit: 'module' });
    expect(failure.message).toMatch(/build \d+, this host of build \d+/);
    expect(failure.cure).toMatch(/same version/);
  });

  it('is refused when it is no module of heed at all', async () => {
    const empty = new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0));
    expect((await failureOf(() => createEngine({ module: empty, threads: 1 }))).code).toBe('UNSUPPORTED');
  });
});

describe('signal', () => {
  const reason = { my: 'reason' };

  it('that is aborted beforehand rejects with its reason, and nothing is loaded', async () => {
    const loaded: Binary[] = [];
    const loadModule = (binary: Binary) => {
      loaded.push(binary);
      return nodeRuntime.loadModule(binary);
    };
    await expect(engineWith({ signal: AbortSignal.abort(reason) }, { loadModule })).rejects.toBe(reason);
    expect(loaded).toEqual([]);
  });

  it('that is aborted while the kernels load rejects with its reason, and no thread is started', async () => {
    const controller = new AbortController();
    const runtime: Partial<Runtime> = {
      loadModule: (binary) => {
        controller.abort(reason);
        return nodeRuntime.loadModule(binary);
      },
      startWorker: () => {
        throw new Error('no thread should start');
      },
    };
    await expect(engineWith({ signal: controller.signal, threads: 2 }, runtime)).rejects.toBe(reason);
  });

  it('that is aborted while threads start rejects with its reason and ends them', async () => {
    const controller = new AbortController();
    const ends: Promise<void>[] = [];
    const startWorker: Runtime['startWorker'] = (init) => {
      const worker = nodeRuntime.startWorker(init);
      ends.push(worker.ended);
      controller.abort(reason);
      return worker;
    };
    await expect(engineWith({ signal: controller.signal, threads: 3 }, { startWorker })).rejects.toBe(reason);
    await Promise.all(ends);
    expect(ends).toHaveLength(2);
  });

  it('that is aborted later changes nothing', async () => {
    const controller = new AbortController();
    const engine = await engineWith({ signal: controller.signal, threads: 2, inlineBelow: 0 });
    controller.abort(reason);
    expectWorks(engine);
  });
});
