/**
 * heed in browsers, their workers, and similar runtimes: kernels by fetch, threads where the page is cross-origin isolated. The URLs are written out, so that
 * bundlers find the files.
 */
import { HeedError } from '../errors.js';
import { openUrl } from './fetch.js';
import type { Binary, Codec, Runtime, WorkerHandle, WorkerInit } from './types.js';
import { webBase } from './web-base.js';
import { threadIn } from './web-threads.js';

/** URLs of the binaries, as functions, since a bundle that is no module has no import.meta.url: importing heed must not fail there. */
const urls: Record<Binary | Codec, () => URL> = {
  simd: () => new URL('../wasm/simd.wasm', import.meta.url),
  'simd-threads': () => new URL('../wasm/simd-threads.wasm', import.meta.url),
  relaxed: () => new URL('../wasm/relaxed.wasm', import.meta.url),
  'relaxed-threads': () => new URL('../wasm/relaxed-threads.wasm', import.meta.url),
  jpeg: () => new URL('../wasm/jpeg.wasm', import.meta.url),
  webp: () => new URL('../wasm/webp.wasm', import.meta.url),
};

/** Limit of a binary's size, above that of any (scripts/build.mjs). */
const MOST_BYTES = 1 << 18;

async function download(url: string): Promise<Uint8Array<ArrayBuffer>> {
  const stream = await openUrl(url);
  const bytes = new Uint8Array(MOST_BYTES);
  let length = 0;
  try {
    for (let count = -1; count !== 0; length += count) count = await stream.read(bytes.subarray(length));
  } finally {
    await stream.close();
  }
  return bytes.subarray(0, length);
}

/** Downloads and compiles a binary. Throws NOT_FOUND, NETWORK, UNSUPPORTED where a policy forbids WebAssembly, FORMAT for bytes that are no module. */
async function compileUrl({ href }: URL): Promise<WebAssembly.Module> {
  const culprit = 'wasm';
  const bytes = await download(href).catch((error: HeedError) => {
    const cure = "Put heed's dist/wasm and dist/runtime beside the folder of your bundle, or import heed/inline";
    throw error.code === 'NOT_FOUND' ? new HeedError('NOT_FOUND', error.message, { culprit, cure, cause: error }) : error;
  });
  try {
    return await WebAssembly.compile(bytes);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    if (/content security policy|unsafe-eval/i.test(why))
      throw new HeedError('UNSUPPORTED', "The page's content security policy forbids WebAssembly", {
        culprit,
        cure: "Add 'wasm-unsafe-eval' to its script-src",
        cause,
      });
    throw new HeedError('FORMAT', `${href} is no WebAssembly (${why})`, { culprit, cure: 'Send the file as it is in the package', cause });
  }
}

function noThreads(): string | undefined {
  if (typeof Worker === 'undefined') return 'there are no workers here';
  if (typeof SharedArrayBuffer === 'undefined') return 'there is no SharedArrayBuffer here: is the page cross-origin isolated?';
  if (!globalThis.crossOriginIsolated) return 'the page is not cross-origin isolated (it needs the COOP and COEP headers)';
  return undefined;
}

const startWorker = (init: WorkerInit): WorkerHandle =>
  threadIn(new Worker(new URL('../runtime/web-worker.js', import.meta.url), { type: 'module', name: `heed ${init.lane}` }), init);

export const webRuntime: Runtime = {
  ...webBase,
  name: 'browser',
  noThreads,
  loadModule: (binary) => compileUrl(urls[binary]()),
  loadCodec: (codec) => compileUrl(urls[codec]()),
  startWorker,
};
