/**
 * PyTorch on the CPU, in a process of its own that pytorch_train.py runs: the task goes there once, weights through a file, then a line for every
 * step, which costs a tenth of a millisecond. HEED_BENCH_PYTHON names a Python that has torch.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { root } from '../root.js';
import type { Learner, TrainingTask } from './training.js';

const python = process.env.HEED_BENCH_PYTHON;

/** Why PyTorch cannot take part; undefined where it can. */
export function noPytorch(): string | undefined {
  if (!python) return 'HEED_BENCH_PYTHON names no Python with torch';
  const { status } = spawnSync(python, ['-c', 'import torch'], { stdio: 'ignore' });
  return status === 0 ? undefined : `${python} has no torch`;
}

const bytesOf = (arrays: readonly (Float32Array | Int32Array)[]): Uint8Array =>
  Buffer.concat(arrays.map((a) => new Uint8Array(a.buffer, a.byteOffset, a.byteLength)));

export async function openPytorch({ size, weights, batch, lr, threads }: TrainingTask): Promise<Learner> {
  const folder = mkdtempSync(join(tmpdir(), 'heed-bench-'));
  const [weightsFile, batchFile] = [join(folder, 'weights'), join(folder, 'batch')];
  writeFileSync(weightsFile, bytesOf(Object.values(weights).map(({ data }) => data as Float32Array)));
  writeFileSync(batchFile, bytesOf([batch.source, batch.target, batch.next]));
  const child = spawn(python as string, ['-W', 'ignore', join(root, 'bench', 'peers', 'pytorch_train.py')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async (order: unknown) => {
    child.stdin.write(`${JSON.stringify(order)}\n`);
    const { value, done } = await lines.next();
    if (done) throw new Error('pytorch_train.py has ended; its error stands above');
    return JSON.parse(value);
  };
  const names = Object.entries(weights).map(([name, { dims }]) => [name, dims]);
  const { version, simd, threads: got } = await ask({ size, lr, threads, names, weights: weightsFile, batch: batchFile });
  rmSync(folder, { recursive: true });
  const used = { cpu: 0, steps: 0 };
  return {
    name: 'PyTorch',
    version,
    options: `CPU, ${simd}, threads ${got}`,
    used,
    async step() {
      const { loss, cpu } = await ask('step');
      used.cpu += cpu;
      used.steps++;
      return loss;
    },
    async close() {
      child.stdin.end();
      await new Promise((resolve) => child.once('exit', resolve));
    },
  };
}
