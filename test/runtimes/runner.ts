/**
 * A runtime that programs can be run in: the suite (suite.ts) for the tests, timings for the bench. Each file in `runners` exports one or
 * several; to add a runtime is to add a file there.
 */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type BuildOptions, build } from 'esbuild';
import { smollm2 } from '../smollm2.js';

export interface Outcome<T> {
  /** What the program returned, through JSON. */
  value: T;
  /** The most memory that the process had, in MiB, where it is one process and the system tells. */
  peakMiB?: number | undefined;
  /** When the process was started, in milliseconds since 1970, where it is one process. */
  startedAt?: number | undefined;
}

export interface Runner {
  readonly name: string;
  /** Why it cannot run here, with the cure; undefined where it can. */
  missing(): string | undefined;
  /** The runtime's version, where a program that runs in it cannot tell. */
  version?(): string;
  /** Runs a file whose default export is a `Program` (check.ts), in a process of its own. */
  run<T>(program: string, args?: unknown): Promise<Outcome<T>>;
}

/** The repository. */
export const root = fileURLToPath(new URL('../../', import.meta.url));
/** First folder of what programs locate -> folder of the disk, for those that are here. What is too large for the repository lies beside its clone, or in the user's cache. */
export const folders: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries({
    fixtures: join(root, 'test/fixtures'),
    shared: join(root, '..', 'shared'),
    models: fileURLToPath(new URL('..', pathToFileURL(smollm2))),
  }).filter(([, folder]) => existsSync(folder)),
);

/** Milliseconds after which a program counts as hanging. */
export const PATIENCE = 240_000;
/** Milliseconds after which a browser counts as not having opened its page. */
export const OPENING = 60_000;

/**
 * Makes one file of a runtime's `main` (a file of this folder) and the program that it imports as `program`. The main finds what the runner
 * has to say in the constant INPUT.
 */
export async function bundleProgram(main: string, program: string, input: object, options: BuildOptions = {}): Promise<string> {
  const outfile = join(root, 'test/runtimes/.cache', `${basename(program, '.ts')}.${basename(main, '.ts')}.${process.pid}.js`);
  await build({
    ...{ entryPoints: [join(root, 'test/runtimes', main)], outfile, bundle: true, format: 'esm', target: 'es2022' },
    ...{ alias: { program, heed: 'heed' }, define: { INPUT: JSON.stringify(input) }, logLevel: 'warning' },
    // heed by the name that its users import it by, also from folders that are packages of their own.
    ...{ absWorkingDir: root, ...options },
  });
  return outfile;
}

/** Runs a process to its end, and gives what it printed. It must end by itself: threads may not keep one alive. */
export function runProcess(binary: string, args: readonly string[]): Promise<Outcome<string>> {
  return new Promise((resolve, reject) => {
    let peakMiB: number | undefined;
    const startedAt = Date.now();
    const child = execFile(binary, args, { cwd: root, timeout: PATIENCE, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      clearInterval(watch);
      if (error) reject(new Error(`${error.message}\n${stdout}\n${stderr}`));
      else resolve({ value: stdout, peakMiB, startedAt });
    });
    const watch = setInterval(() => {
      peakMiB = peakOf(child.pid) ?? peakMiB;
    }, 50);
  });
}

/** The high-water mark of a process's memory, where there is /proc. */
function peakOf(pid: number | undefined): number | undefined {
  try {
    const [, kib] = /^VmHWM:\s*(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return kib === undefined ? undefined : Number(kib) / 1024;
  } catch {
    return undefined;
  }
}
