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
import type { Binary, Runtime, WorkerHandle, WorkerInit } from './types.js';

const versions = process.versions as Record<string, string | undefined>;
const name = versions.deno ? `Deno ${versions.deno}` : versions.bun ? `Bun ${versions.bun}` : `Node ${versions.node}`;

const modules = new Map<Binary, Promise<WebAssembly.Module>>();

async function compile(binary: Binary): Promise<WebAssembly.Module> {
  const bytes = await readFile(new URL(`../wasm/${binary}.wasm`, import.meta.url));
  return WebAssembly.compile(bytes as BufferSource);
}

/** Compiles a binary once: a second engine shares the first one's module. */
function loadModule(binary: Binary): Promise<WebAssembly.Module> {
  const known = modules.get(binary);
  if (known) return known;
  const module = compile(binary);
  modules.set(binary, module);
  module.catch(() => modules.delete(binary));
  return module;
}

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
  const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  const ready = new Promise<void>((resolve, reject) => {
    worker.once('message', () => resolve());
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`a worker ended with code ${code}`)));
  });
  return { ready, ended, terminate: () => void worker.terminate() };
}

export const nodeRuntime: Runtime = {
  name,
  cores: () => Math.min(availableParallelism(), quota()),
  noThreads: () => undefined,
  loadModule,
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
  pause: () => new Promise((resolve) => setImmediate(resolve)),
};
