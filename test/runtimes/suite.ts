/**
 * What must hold in every runtime, and needs no test framework: `node.ts`, `chromium.ts` and their like run it where it
 * belongs, `test/runtimes.test.ts` reports every check of every runtime. To add a check, add an entry to `checks`, or to one of
 * the tables that it is made of.
 */
import { assert, type Checks, type Env, type Heed, type Result } from './check.js';
import { modelChecks } from './models.js';
import { torchChecks } from './torch.js';

export type { Check, Env, Heed, Result } from './check.js';

export const checks: Checks = {
  'an engine tells what it got, and why not more': async ({ createEngine }, env) => {
    const { info } = await createEngine({ threads: 2 });
    assert(info.threads === (env.threads ? 2 : 1), `threads: ${info.threads}, because ${info.reason}`);
    assert(env.threads || info.reason, 'one thread, and no reason given');
    assert(info.simd === (env.relaxed ? 'relaxed' : 'simd'), `simd: ${info.simd}`);
  },
  ...torchChecks,
  ...modelChecks,
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
