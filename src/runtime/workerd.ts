/**
 * heed in workerd (Cloudflare Workers): kernels come as modules, since compiling from bytes is forbidden there; there are no
 * threads and no files.
 */
import relaxed from '../wasm/relaxed.wasm';
import simd from '../wasm/simd.wasm';
import { joinUrl, openUrl, streamOf } from './fetch.js';
import { noStorage } from './no-storage.js';
import type { Codec, Runtime } from './types.js';

/** Decoders are imported when they are asked for: a Worker that reads no such file does without. */
const codecs: Readonly<Record<Codec, () => Promise<{ default: WebAssembly.Module }>>> = {
  jpeg: () => import('../wasm/jpeg.wasm'),
  webp: () => import('../wasm/webp.wasm'),
};

const noThreads = () => 'workerd has no threads';

export const workerdRuntime: Runtime = {
  name: 'workerd',
  cores: () => 1,
  noThreads,
  loadModule: async (binary) => (binary.startsWith('relaxed') ? relaxed : simd),
  loadWideModule: async () => 'only Node can be asked for vectors of 256 bits',
  loadCodec: async (codec) => (await codecs[codec]()).default,
  installed: async () => undefined,
  startWorker: () => {
    throw new Error(noThreads());
  },
  drawsPage: () => false,
  startHost: () => {
    throw new Error(noThreads());
  },
  open: openUrl,
  resolve: (location) => location,
  join: joinUrl,
  fetch: (url, init) => globalThis.fetch(url, init),
  streamOf,
  environment: () => undefined,
  hubCache: undefined,
  caches: () => globalThis.caches,
  ...noStorage,
  pause: () => new Promise((resolve) => setTimeout(resolve, 0)),
};
