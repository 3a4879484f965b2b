/**
 * heed in workerd (Cloudflare Workers): kernels come as modules, since compiling from bytes is forbidden there; there are no
 * threads and no files.
 */
import relaxed from '../wasm/relaxed.wasm';
import simd from '../wasm/simd.wasm';
import { joinUrl, openUrl, streamOf } from './fetch.js';
import { noStorage } from './no-storage.js';
import type { Runtime } from './types.js';

const noThreads = () => 'workerd has no threads';

export const workerdRuntime: Runtime = {
  name: 'workerd',
  cores: () => 1,
  noThreads,
  loadModule: async (binary) => (binary.startsWith('relaxed') ? relaxed : simd),
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
