/**
 * Gives TensorFlow.js its threads in Node. The package ships a threaded build but leaves it off outside browsers, because it starts its
 * workers from blob: URLs, which Node's Worker and its file functions cannot open; and it takes at most half the cores that the system
 * names. So for as long as the backend starts, a blob is a file in a temporary folder, its URL is the file's path, and the system names
 * twice the threads that are wanted; the library itself is untouched. Used by tfjs.ts alone.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';

/** Heads both scripts. In the worker, the path inside the stand-in for a blob is its URL; the rest are names of the library's bundle that its script forgets. */
const prelude = `
  URL.createObjectURL = (blob) => blob.path;
  URL.revokeObjectURL = () => {};
  Object.assign(globalThis, {
    commonjsGlobal: globalThis, __dirname: '',
    require$$0: require('fs'), require$$1: require('path'), require$$3: require('perf_hooks'), require$$4: require('os'),
  });
`;

/** Runs `start`, which starts the backend; every worker has read its code when the promise settles. */
export async function withThreads<T>(threads: number, start: () => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(os.tmpdir(), 'heed-bench-'));
  const { Blob } = globalThis;
  const { createObjectURL } = URL;
  const { cpus } = os;
  let count = 0;

  class FileBlob {
    readonly path = join(folder, `${count++}.cjs`);
    constructor(parts: string[]) {
      writeFileSync(this.path, prelude + parts.join(''));
    }
  }
  Object.assign(globalThis, { Blob: FileBlob });
  URL.createObjectURL = (blob) => (blob as unknown as FileBlob).path;
  os.cpus = () => Array.from({ length: 2 * threads }, () => cpus()[0] as os.CpuInfo);
  try {
    return await start();
  } finally {
    Object.assign(globalThis, { Blob });
    URL.createObjectURL = createObjectURL;
    os.cpus = cpus;
    rmSync(folder, { recursive: true });
  }
}
