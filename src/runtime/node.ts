/**
 * heed on Node, Deno and Bun: kernels and files from the disk, threads from worker_threads.
 */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { streamOf } from './fetch.js';
import { variable } from './node-environment.js';
import { exists, join, open } from './node-files.js';
import { nodeHubCache } from './node-hub-cache.js';
import { appendFile, listFolder, removeFile, writeFile } from './node-storage.js';
import type { Binary, Codec, Runtime, WorkerHandle, WorkerInit } from './types.js';

const versions = process.versions as Record<string, string | undefined>;
const name = versions.deno ? `Deno ${versions.deno}` : versions.bun ? `Bun ${versions.bun}` : `Node ${versions.node}`;

const bytesOf = (binary: Binary | Codec): Promise<Uint8Array<ArrayBuffer>> => readFile(new URL(`../wasm/${binary}.wasm`, import.meta.url));

/** Makes of each binary one thing, when it is first asked for: a second engine shares the first one's module. */
function once<Name extends Binary | Codec, T>(make: (binary: Name) => Promise<T>): (binary: Name) => Promise<T> {
  const made = new Map<Name, Promise<T>>();
  return (binary) => {
    const known = made.get(binary);
    if (known) return known;
    const making = make(binary);
    made.set(binary, making);
    making.catch(() => made.delete(binary));
    return making;
  };
}

/** Calls back after what came in meanwhile: connections, bytes. In Deno immediates that follow each other keep all of that waiting, for more than a second where they do not end. */
const afterIo: (done: () => void) => void = versions.deno ? (done) => setTimeout(done) : (done) => setImmediate(done);

const loadModule = once(async (binary: Binary | Codec) => WebAssembly.compile(await bytesOf(binary)));

const loadWideModule = once(async (binary: Binary) => {
  const { compileWide, noWide } = await import('./node-wide.js');
  return noWide() ?? compileWide(await bytesOf(binary), await loadModule(binary), binary.endsWith('-threads'));
});

/** Number of cores that control groups grant a container; older Nodes do not ask for it. */
function quota(): number {
  try {
    const [max, period] = readFileSync('/sys/fs/cgroup/cpu.max', 'utf8').split(' ').map(Number) as [number, number];
    return max > 0 ? Math.max(1, Math.floor(max / period)) : Number.POSITIVE_INFINITY; // "max" is NaN
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

function startWorker(init: WorkerInit): WorkerHandle {
  const file = new URL('../runtime/node-worker.js', import.meta.url);
  // The program's flags are not passed on to a thread: some, such as --input-type, keep it from starting, and hooks make it slow.
  const worker = new Worker(file, { workerData: init, execArgv: [], name: `heed ${init.lane}` });
  worker.unref();
  let hasEnded = false;
  const ended = new Promise<void>((resolve) =>
    worker.once('exit', () => {
      hasEnded = true;
      resolve();
    }),
  );
  const ready = new Promise<void>((resolve, reject) => {
    worker.once('message', () => resolve());
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`a worker ended with code ${code}`)));
  });
  return { ready, ended, hasEnded: () => hasEnded, terminate: () => void worker.terminate() };
}

export const nodeRuntime: Runtime = {
  name,
  cores: () => Math.min(availableParallelism(), quota()),
  noThreads: () => undefined,
  loadModule,
  loadWideModule,
  loadCodec: loadModule,
  installed: (name) => import(name).catch(() => undefined),
  startWorker,
  drawsPage: () => false,
  startHost: () => {
    throw new Error('models run where they are called; call from a thread of your own');
  },
  exists,
  open,
  resolve: (location) => location,
  join,
  appendFile,
  writeFile,
  listFolder,
  removeFile,
  fetch: (url, init) => globalThis.fetch(url, init),
  streamOf,
  environment: variable,
  hubCache: nodeHubCache,
  caches: () => undefined,
  pause: () => new Promise((resolve) => afterIo(resolve)),
};
