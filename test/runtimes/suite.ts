/**
 * What must hold in every runtime, and needs no test framework: `node.ts`, `chromium.ts` and their like run it where it
 * belongs, `test/runtimes.test.ts` reports every check of every runtime. To add a check, add an entry to `checks`.
 */
import type * as heed from 'heed';

export type Heed = typeof heed;

/** Where the suite runs, and what heed must find there. */
export interface Env {
  readonly runtime: string;
  /** Can threads be had? */
  readonly threads: boolean;
  /** Does the runtime have relaxed SIMD? */
  readonly relaxed: boolean;
  /** The path or URL of something in test/fixtures. */
  locate(path: string): string;
}

export interface Result {
  name: string;
  /** Why it failed; undefined where it passed. */
  error?: string;
}

/** A check passes when it returns. */
export type Check = (heed: Heed, env: Env) => void | Promise<void>;

export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(message);
}

export const checks: Readonly<Record<string, Check>> = {
  'an engine tells what it got, and why not more': async ({ createEngine }, env) => {
    const { info } = await createEngine({ threads: 2 });
    assert(info.threads === (env.threads ? 2 : 1), `threads: ${info.threads}, because ${info.reason}`);
    assert(env.threads || info.reason, 'one thread, and no reason given');
    assert(info.simd === (env.relaxed ? 'relaxed' : 'simd'), `simd: ${info.simd}`);
  },
};

/** Runs every check, one after the other. */
export async function suite(heed: Heed, env: Env): Promise<Result[]> {
  const results: Result[] = [];
  for (const [name, check] of Object.entries(checks))
    try {
      await check(heed, env);
      results.push({ name });
    } catch (error) {
      results.push({ name, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  return results;
}
