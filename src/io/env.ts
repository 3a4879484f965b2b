/**
 * transformers.js's `env`: settings for where models come from and where they are kept. Each setting works, or throws when it is set: an unsupported one names its
 * replacement. hub.ts reads the settings when a model is asked for.
 */
import { HeedError, kindOf } from '../errors.js';
import type { Fetch, Runtime } from '../runtime/types.js';
import type { CacheLike } from './url_cache.js';
import { warnIf } from './warn.js';

/**
 * Log levels of transformers.js, for messages on the console. heed writes warnings alone: that a file could not be cached, that weights are not what a config says.
 */
export const LogLevel = Object.freeze({
  /** Same as INFO. */
  DEBUG: 10,
  /** Same as WARNING: heed writes no lesser messages. */
  INFO: 20,
  /** Warnings are written. Default. */
  WARNING: 30,
  /** Warnings are not written; errors are thrown, and never written. */
  ERROR: 40,
  /** Same as ERROR. */
  NONE: 50,
});

/**
 * transformers.js's `env`: settings for where models come from and where they are kept. A setting applies to models that are loaded afterwards. Throws ARGUMENT for
 * invalid values, UNSUPPORTED for settings that heed has no use for.
 */
export interface Environment {
  /** Version of heed. */
  readonly version: string;
  /** Settings of ONNX Runtime in transformers.js, of which those of WebAssembly apply to heed's engines. */
  readonly backends: {
    /** Settings under ONNX Runtime's name. */
    readonly onnx: {
      /** Settings for threads, and for models in a worker. */
      readonly wasm: WasmEnvironment;
      /** No settings: heed has no use for a GPU. */
      readonly webgpu: Record<string, never>;
    };
  };
  /** Level of LogLevel. Default WARNING. */
  logLevel: number;
  /** `true` where models may be downloaded. Default true, and false where HF_HUB_OFFLINE is set. */
  allowRemoteModels: boolean;
  /** Address of the hub for ids. Default HF_ENDPOINT, else https://huggingface.co/. */
  remoteHost: string;
  /** Template of a file's folder below the hub's address. Default '{model}/resolve/{revision}/'. */
  remotePathTemplate: string;
  /** `true` where names may be paths. Default true, and false in a page and its workers, where `owner/name` would be an address below the page's. */
  allowLocalModels: boolean;
  /** Folder or address in which `owner/name` is looked up before the hub is asked. Default '/models/' in a page, else none. */
  localModelPath: string;
  /** `true` where files of the disk are read. Default true where there is a disk. */
  useFS: boolean;
  /** `true` where downloads are kept in the Cache API. Default true where there is one and no disk. */
  useBrowserCache: boolean;
  /** `true` where the hub's files are kept on the disk, as Hugging Face's libraries do. Default true where there is a disk. */
  useFSCache: boolean;
  /**
   * Folder of the cache on the disk. Default HF_HUB_CACHE, else $HF_HOME/hub, else ~/.cache/huggingface/hub; null where the home folder is not known, and no file is
   * kept.
   */
  cacheDir: string | null;
  /** `true` where downloads are kept in `customCache` instead. Default false. */
  useCustomCache: boolean;
  /** Cache with the Cache API's `match` and `put`. */
  customCache: CacheLike | null;
  /** Name of the Cache API's cache. Default 'transformers-cache'. */
  cacheKey: string;
  /** Cache of WebAssembly, which heed has no use for: its kernels are small. Only false. */
  useWasmCache: boolean;
  /** Cross-origin storage, which heed does not support. Only false. */
  experimental_useCrossOriginStorage: boolean;
  /** Function that downloads. Default the runtime's fetch. */
  fetch: Fetch;
}

/** Settings of ONNX Runtime's WebAssembly in transformers.js, as they apply to heed's engines. */
export interface WasmEnvironment {
  /** Number of threads of engines that are started for models; running engines keep theirs. Default 0: as many as fit. */
  numThreads: number;
  /** `true` where models run in a worker, which a page decides by itself. `from_pretrained` has the option `worker`. */
  proxy: boolean;
  /** SIMD, which heed requires. Only true. */
  simd: boolean;
}

interface Setting {
  /** Initial value, computed at the first read: importing heed reads no environment. */
  initial(): unknown;
  /** Requirement that a value violates; undefined for a valid value. */
  must(value: unknown): string | undefined;
  /** Reason why only the initial value is possible here, and the setting's replacement. */
  cure?: string;
}

const kind =
  (fits: (value: unknown) => boolean, must: string) =>
  (initial: unknown): Setting => ({
    initial: typeof initial === 'function' ? (initial as () => unknown) : () => initial,
    must: (value) => (fits(value) ? undefined : must),
  });
const flag = kind((value) => typeof value === 'boolean', 'It must be true or false');
const text = kind((value) => typeof value === 'string', 'It must be a text');
const fixed = (initial: unknown, cure: string): Setting => ({
  initial: () => initial,
  must: (value) => (value === initial ? undefined : cure),
  cure,
});

/** Makes an object whose members are settings, and that has no others. */
function settings<T extends object>(where: string, table: Readonly<Record<string, Setting>>, more: object = {}): T {
  const values: Record<string, unknown> = { ...more };
  const define = (name: string, property: PropertyDescriptor) =>
    Object.defineProperty(values, name, { enumerable: true, configurable: true, ...property });
  const put = (name: string, value: unknown) => define(name, { value, writable: true });
  const read = (name: string, initial: unknown) => {
    put(name, initial);
    return initial;
  };
  for (const [name, { initial }] of Object.entries(table)) define(name, { get: () => read(name, initial()) });
  const none = (name: PropertyKey) =>
    new HeedError('UNSUPPORTED', `${where} has no setting ${String(name)}`, {
      culprit: String(name),
      cure: `It has ${Object.keys(table).join(', ') || 'none'}`,
    });
  return new Proxy(values, {
    set(_, name, value: unknown) {
      const setting = typeof name === 'string' && Object.hasOwn(table, name) ? table[name] : undefined;
      if (!setting) throw none(name);
      const must = setting.must(value);
      if (must !== undefined)
        throw new HeedError(setting.cure ? 'UNSUPPORTED' : 'ARGUMENT', `${where}.${String(name)} cannot be ${kindOf(value)}`, {
          culprit: String(name),
          cure: must,
        });
      put(name as string, value);
      return true;
    },
    defineProperty: (_, name) => {
      throw none(name);
    },
    deleteProperty: (_, name) => {
      throw none(name);
    },
  }) as T;
}

/** Template of the path of a model's files on the hub. */
export const HUB_TEMPLATE = '{model}/resolve/{revision}/';

const truthy = (value: string | undefined) => /^(1|on|yes|true)$/i.test(value ?? '');

/** Creates the settings of a runtime, with defaults from its environment variables. */
export function environmentOf(runtime: Runtime, version: string): Environment {
  const { hubCache, caches, fetch } = runtime;
  const variable = (name: string) => runtime.environment(name) || undefined;
  const noFiles = 'There are no files here';
  const fileFlag = hubCache ? flag(true) : fixed(false, noFiles);
  const cacheable = !hubCache && caches() !== undefined;
  const isCache = (value: unknown) =>
    value === null || (typeof (value as CacheLike | undefined)?.match === 'function' && typeof (value as CacheLike).put === 'function');
  const isFolderName = (value: unknown) => value === null || typeof value === 'string';
  const threads = kind((value) => Number.isSafeInteger(value) && (value as number) >= 0, 'It must be a whole number from 0');
  const wasm = {
    numThreads: threads(0),
    proxy: fixed(runtime.drawsPage(), 'Give from_pretrained or pipeline the option worker, or run heed in a worker of yours'),
    simd: fixed(true, 'heed needs SIMD'),
  };
  const onnx = {
    wasm: settings('env.backends.onnx.wasm', wasm),
    webgpu: settings('env.backends.onnx.webgpu', {}),
  };
  const env = settings<Environment>(
    'env',
    {
      logLevel: kind((value) => typeof value === 'number' && value >= 0, 'It must be one of LogLevel')(LogLevel.WARNING),
      allowRemoteModels: flag(() => !truthy(variable('HF_HUB_OFFLINE') ?? variable('TRANSFORMERS_OFFLINE'))),
      remoteHost: kind(isAddress, 'It must be an http or https URL')(() => endpointOf(runtime)),
      remotePathTemplate: text(HUB_TEMPLATE),
      allowLocalModels: flag(hubCache !== undefined),
      localModelPath: text(hubCache ? '' : '/models/'),
      useFS: fileFlag,
      useBrowserCache: cacheable ? flag(true) : fixed(false, 'There is no Cache API here that could be used'),
      useFSCache: fileFlag,
      cacheDir: hubCache ? kind(isFolderName, 'It must be a path, or null')(() => hubCache.home() ?? null) : fixed(null, noFiles),
      useCustomCache: flag(false),
      customCache: kind(isCache, 'It must have match and put, as a Cache has')(null),
      cacheKey: text('transformers-cache'),
      useWasmCache: fixed(false, 'heed has no use for it: its kernels are small files of its own'),
      experimental_useCrossOriginStorage: fixed(false, 'heed does not have it'),
      fetch: kind((value) => typeof value === 'function', 'It must be a function like fetch')(() => fetch),
    },
    { version, backends: settings('env.backends', {}, { onnx: settings('env.backends.onnx', {}, onnx) }) },
  );
  warnIf(() => env.logLevel <= LogLevel.WARNING);
  return env;
}

export const isAddress = (value: unknown): boolean => typeof value === 'string' && /^https?:/i.test(value) && URL.canParse(value);

/** Address of the hub, with a slash at its end. Callers check that it is valid. */
export const endpointOf = (runtime: Runtime): string =>
  `${(runtime.environment('HF_ENDPOINT') || 'https://huggingface.co').replace(/\/+$/, '')}/`;
