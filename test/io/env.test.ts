/** Every setting of transformers.js's env: it works, or throws and says what takes its place. */
import { afterEach, describe, expect, it } from 'vitest';
import { VERSION } from '../../dist/engine/build.js';
import { env, LogLevel } from '../../dist/entry/node.js';
import { environmentOf } from '../../dist/io/env.js';
import { nodeRuntime } from '../../dist/runtime/node.js';
import type { Runtime } from '../../dist/runtime/types.js';
import { failureOf } from './memory.js';

const variables = { ...process.env };
afterEach(() => {
  for (const name of Object.keys(process.env)) if (name.startsWith('HF_') && !(name in variables)) delete process.env[name];
});
const set = (target: object, name: string, value: unknown) => failureOf(() => Reflect.set(target, name, value));
const page = (caches: object | undefined = {}): Runtime =>
  ({ ...nodeRuntime, hubCache: undefined, drawsPage: () => true, caches: () => caches }) as unknown as Runtime;

describe('env', () => {
  it('has transformers.js’s settings, all of them', () => {
    expect(Object.keys(env).sort()).toEqual(
      [
        ...[
          'version',
          'backends',
          'logLevel',
          'allowRemoteModels',
          'remoteHost',
          'remotePathTemplate',
          'allowLocalModels',
          'localModelPath',
        ],
        ...['useFS', 'useBrowserCache', 'useFSCache', 'cacheDir', 'useCustomCache', 'customCache', 'useWasmCache', 'cacheKey'],
        ...['experimental_useCrossOriginStorage', 'fetch'],
      ].sort(),
    );
    expect(env.version).toBe(VERSION);
    expect(LogLevel.NONE).toBe(50);
  });

  it.each<[string, unknown, string]>([
    ['allowRemoteModels', 'no', 'ARGUMENT'],
    ['remoteHost', 'nowhere', 'ARGUMENT'],
    ['remotePathTemplate', 3, 'ARGUMENT'],
    ['fetch', 'fetch', 'ARGUMENT'],
    ['customCache', {}, 'ARGUMENT'],
    ['logLevel', 'all', 'ARGUMENT'],
    ['useBrowserCache', true, 'UNSUPPORTED'],
    ['useWasmCache', true, 'UNSUPPORTED'],
    ['experimental_useCrossOriginStorage', true, 'UNSUPPORTED'],
    ['version', '9', 'UNSUPPORTED'],
    ['backends', {}, 'UNSUPPORTED'],
    ['useTelepathy', true, 'UNSUPPORTED'],
  ])('%s cannot be %s', async (name, value, code) => {
    const before = (env as unknown as Record<string, unknown>)[name];
    expect(await set(env, name, value)).toMatchObject({ code, culprit: name });
    expect((env as unknown as Record<string, unknown>)[name]).toBe(before);
  });

  it.each<[string, unknown, string]>([
    ['wasmPaths', '/wasm/', 'UNSUPPORTED'],
    ['proxy', true, 'UNSUPPORTED'],
    ['simd', false, 'UNSUPPORTED'],
    ['numThreads', -1, 'ARGUMENT'],
  ])('backends.onnx.wasm.%s cannot be %s', async (name, value, code) => {
    expect(await set(env.backends.onnx.wasm, name, value)).toMatchObject({ code });
    expect(await set(env.backends.onnx.webgpu, name, value)).toMatchObject({ code: 'UNSUPPORTED' });
  });

  it('has no other backends, and they no other settings', async () => {
    expect(await set(env.backends, 'webnn', {})).toMatchObject({ code: 'UNSUPPORTED' });
    expect(await set(env.backends.onnx, 'logLevel', 'error')).toMatchObject({ code: 'UNSUPPORTED' });
  });

  it('takes what is so', () => {
    const own = environmentOf(nodeRuntime, '1');
    Object.assign(own, {
      useWasmCache: false,
      useBrowserCache: false,
      allowRemoteModels: false,
      cacheDir: './cache',
      logLevel: LogLevel.ERROR,
    });
    own.backends.onnx.wasm.simd = true;
    own.backends.onnx.wasm.numThreads = 2;
    expect(own).toMatchObject({ allowRemoteModels: false, cacheDir: './cache', logLevel: 40 });
    expect(own.backends.onnx.wasm.numThreads).toBe(2);
  });

  it('begins as the variables say', () => {
    Object.assign(process.env, { HF_ENDPOINT: 'https://mirror.example/hub/', HF_HOME: '/somewhere', HF_HUB_OFFLINE: 'yes' });
    expect(environmentOf(nodeRuntime, '1')).toMatchObject({
      remoteHost: 'https://mirror.example/hub/',
      cacheDir: '/somewhere/hub',
      allowRemoteModels: false,
    });
    Object.assign(process.env, { HF_HUB_CACHE: '/else', HF_HUB_OFFLINE: '0' });
    expect(environmentOf(nodeRuntime, '1')).toMatchObject({ cacheDir: '/else', allowRemoteModels: true });
  });

  it('is a page’s in a page', async () => {
    const own = environmentOf(page(), '1');
    expect(own).toMatchObject({
      allowLocalModels: false,
      useBrowserCache: true,
      useFSCache: false,
      useFS: false,
      cacheDir: null,
      localModelPath: '/models/',
    });
    expect(own.backends.onnx.wasm.proxy).toBe(true);
    expect(await set(own, 'cacheDir', './x')).toMatchObject({ code: 'UNSUPPORTED' });
    expect(await set(environmentOf({ ...page(), caches: () => undefined }, '1'), 'useBrowserCache', true)).toMatchObject({
      code: 'UNSUPPORTED',
    });
  });
});
