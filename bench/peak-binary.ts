/** Builds assembly/peak.ts with the project's own targets `simd` and `relaxed` into a cache folder. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Task } from './measure.js';
import { type Mode, peakTask } from './peak.js';
import { root } from './root.js';

const targets: Readonly<Record<Mode, string>> = { plain: 'simd', relaxed: 'relaxed' };

/** The compiled file; its name holds a hash of all that went into it. */
export function peakBinary(mode: Mode): Uint8Array<ArrayBuffer> {
  const target = targets[mode];
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
  return new Uint8Array(readFileSync(file));
}

/** A task for each of these builds, in this runtime. */
export const peakTasks = (modes: readonly Mode[]): Partial<Record<Mode, Task>> =>
  Object.fromEntries(modes.map((mode) => [mode, peakTask(peakBinary(mode))]));
