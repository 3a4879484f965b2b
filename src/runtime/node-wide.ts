/**
 * Vectors of 256 bits in Node: V8 from 13 on pairs neighbouring operations of 128 bits on x86-64 when a flag says so. The flag is an experiment of V8's and holds for the
 * whole process, so it is up only while the kernels' check runs, with baseline code forbidden: V8 compiles a function when it is first called, so the functions that the
 * check calls are compiled then, once for all threads, optimised and paired; all others, of heed and of the program, as ever. The bits of exactly that code are compared.
 */
import { setFlagsFromString } from 'node:v8';
import { hasFused } from '../engine/features.js';
import { widened } from '../engine/instantiate.js';
import { checkAgainst } from '../engine/wide.js';

/** Flags that are up during the check, and those that undo them. */
const flags = { '--experimental-wasm-revectorize': '--no-experimental-wasm-revectorize', '--no-liftoff': '--liftoff' };

/** The first V8 whose flag does something. */
const FIRST = 13;

/** Reason why there can be no vectors of 256 bits here; undefined where there can. */
export function noWide(): string | undefined {
  const versions = process.versions as Record<string, string | undefined>;
  if (versions.deno || versions.bun) return 'only Node can be asked for vectors of 256 bits';
  if (process.arch !== 'x64') return 'V8 makes vectors of 256 bits on x86-64 alone';
  if (!(Number.parseInt(versions.v8 ?? '', 10) >= FIRST)) return 'vectors of 256 bits need Node 24 or later';
  if (!hasFused()) return 'this processor has no vectors of 256 bits';
  return undefined;
}

/** The module of 256 bits out of a binary's bytes, or the reason why `plain`, the same of 128 bits, is to be used in its place. */
export function compileWide(bytes: Uint8Array<ArrayBuffer>, plain: WebAssembly.Module, shared: boolean): WebAssembly.Module | string {
  const differs = checkAgainst(plain, shared);
  const own = Object.entries(flags).filter(([flag]) => !process.execArgv.includes(flag));
  for (const [flag] of own) setFlagsFromString(flag);
  try {
    const wide = new WebAssembly.Module(widened(bytes));
    const what = differs(wide);
    return what ? `vectors of 256 bits gave ${what} other bits` : wide;
  } catch (error) {
    return `vectors of 256 bits failed: ${error instanceof Error ? error.message : error}`;
  } finally {
    for (const [, undo] of own) setFlagsFromString(undo);
  }
}
