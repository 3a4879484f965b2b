/**
 * Functions that all browsers share, with files beside heed or without: addresses that are fetched, a turn of the event loop. Kernels and workers are the business
 * of web.ts, and of `heed/inline`, so that bundlers do not pack files that the latter never asks for.
 */
import { HeedError } from '../errors.js';
import { isUrl, joinUrl, openUrl, streamOf } from './fetch.js';
import { noStorage } from './no-storage.js';
import type { Runtime } from './types.js';

/** Gives the event loop a turn, without the 4 ms that nested timers cost where there are message channels: Vercel's edge runtime has none. */
const pause = () =>
  new Promise<void>((resolve) => {
    if (typeof MessageChannel === 'undefined') return void setTimeout(resolve);
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(0);
  });

function resolve(location: string): string {
  if (isUrl(location)) return location;
  const base = globalThis.document?.baseURI ?? globalThis.location?.href;
  if (base && URL.canParse(location, base)) return new URL(location, base).href;
  throw new HeedError('NOT_FOUND', `${location} is no address that can be fetched here`, {
    culprit: location,
    cure: 'Give an http or https URL',
  });
}

export const webBase: Omit<Runtime, 'name' | 'noThreads' | 'loadModule' | 'loadCodec' | 'startWorker'> = {
  installed: async () => undefined,
  cores: () => globalThis.navigator?.hardwareConcurrency ?? 1,
  loadWideModule: async () => 'only Node can be asked for vectors of 256 bits',
  drawsPage: () => false,
  startHost: () => {
    throw new Error('this entry brings no worker for models; give one of yours that calls hostModels()');
  },
  resolve,
  open: (location, options) => openUrl(resolve(location), options),
  join: (folder, file) => joinUrl(resolve(folder), file),
  fetch: (url, init) => globalThis.fetch(url, init),
  streamOf,
  environment: () => undefined,
  hubCache: undefined,
  caches: () => globalThis.caches,
  ...noStorage,
  pause,
};
