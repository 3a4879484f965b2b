/**
 * The peak that kernels are measured against: builds assembly/peak.ts with the project's own targets `simd` and `relaxed` into a cache
 * folder, and hands out what to time. A runtime without relaxed SIMD gets the plain one only.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Task } from './measure.js';
import { root } from './root.js';

/** Floating-point operations of one call: 96 in each turn. Short calls, as kernels are: V8 replaces baseline code only between calls. */
export const peakFlops = 96 * 20_000;

const targets = { plain: 'simd', relaxed: 'relaxed' } as const;
export type Mode = keyof typeof targets;

type Peak = (turns: number, x: number, y: number) => number;

/** The compiled file; its name holds a hash of all that went into it. */
function build(target: string): Uint8Array {
  const source = 'bench/assembly/peak.ts';
  const inputs = [source, 'asconfig.json', 'node_modules/assemblyscript/package.json'].map((file) => readFileSync(join(root, file)));
  const hash = inputs
    .reduce((all, bytes) => all.update(bytes), createHash('sha256'))
    .digest('hex')
    .slice(0, 12);
  const file = join(root, 'bench', '.cache', `peak-${target}-${hash}.wasm`);
  if (!existsSync(file)) {
    // asc builds the base options, and says nothing, when it does not know a target.
    if (!(target in JSON.parse(String(inputs[1])).targets)) throw new Error(`asconfig.json has no target ${target}`);
    mkdirSync(join(root, 'bench', '.cache'), { recursive: true });
    const asc = join(root, 'node_modules', 'assemblyscript', 'bin', 'asc.js');
    execFileSync(process.execPath, [asc, source, '--config', 'asconfig.json', '--target', target, '--outFile', file], {
      cwd: root,
      stdio: 'inherit',
    });
  }
  return readFileSync(file);
}

/** A task for each build that this runtime can run. */
export function peakTasks(): Partial<Record<Mode, Task>> {
  const tasks: Partial<Record<Mode, Task>> = {};
  for (const mode of Object.keys(targets) as Mode[]) {
    const bytes = build(targets[mode]) as Uint8Array<ArrayBuffer>;
    if (!WebAssembly.validate(bytes)) continue;
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), {
      env: { memory: new WebAssembly.Memory({ initial: 16 }) },
    });
    const peak = exports.peak as Peak;
    tasks[mode] = () => peak(peakFlops / 96, 1.0000001, 0.9999999);
  }
  return tasks;
}
