/**
 * heed in browsers, their workers, and whatever else looks like one: kernels by fetch, threads where the page is
 * cross-origin isolated. The URLs are written out, so that bundlers find the files.
 */
import { HeedError } from '../errors.js';
import type { Binary, Runtime, WorkerHandle, WorkerInit } from './types.js';
import { webBase } from './web-base.js';

/** Functions, since a bundle that is no module has no import.meta.url: importing heed must not fail there. */
const urls: Record<Binary, () => URL> = {
  simd: () => new URL('../wasm/simd.wasm', import.meta.url),
  'simd-threads': () => new URL('../wasm/simd-threads.wasm', import.meta.url),
  relaxed: () => new URL('../wasm/relaxed.wasm', import.meta.url),
  'relaxed-threads': () => new URL('../wasm/relaxed-threads.wasm', import.meta.url),
};

/** Servers that do not know application/wasm make compileStreaming fail; the bytes are good all the same. */
export async function compileUrl(url: URL | string): Promise<WebAssembly.Module> {
  const response = await fetch(url);
  const type = response.headers.get('content-type');
  if (!response.ok || type?.startsWith('text/html'))
    throw new HeedError(
      'NOT_FOUND',
      `${url}: the server has no such file (${response.ok ? 'it sent a web page instead' : response.status})`,
      {
        culprit: 'wasm',
        cure: "Put heed's dist/wasm and dist/runtime beside the folder of your bundle, or import heed/inline",
      },
    );
  return type?.startsWith('application/wasm') ? WebAssembly.compileStreaming(response) : WebAssembly.compile(await response.arrayBuffer());
}

function noThreads(): string | undefined {
  if (typeof Worker === 'undefined') return 'there are no workers here';
  if (typeof SharedArrayBuffer === 'undefined') return 'there is no SharedArrayBuffer here: is the page cross-origin isolated?';
  if (!globalThis.crossOriginIsolated) return 'the page is not cross-origin isolated (it needs the COOP and COEP headers)';
  return undefined;
}

function startWorker(init: WorkerInit): WorkerHandle {
  const worker = new Worker(new URL('../runtime/web-worker.js', import.meta.url), { type: 'module', name: `heed ${init.lane}` });
  let end = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const ready = new Promise<void>((resolve, reject) => {
    worker.addEventListener('message', () => resolve(), { once: true });
    worker.addEventListener(
      'error',
      (event) => {
        // Dealt with here: it would otherwise count as a failure of the worker around this one.
        event.preventDefault();
        reject(new Error(event.message || 'a worker failed to start'));
      },
      { once: true },
    );
  });
  worker.postMessage(init);
  // A browser does not say when a terminated worker has ended; it runs no further script.
  return {
    ready,
    ended,
    terminate: () => {
      worker.terminate();
      end();
    },
  };
}

export const webRuntime: Runtime = {
  ...webBase,
  name: 'browser',
  noThreads,
  loadModule: (binary) => compileUrl(urls[binary]()),
  startWorker,
};
