/**
 * What must hold in every runtime, and needs no test framework: the files in `runners` run it where it belongs, and
 * `test/runtimes.test.ts` reports every check of every runtime. To add a check, add an entry to `checks`, or to one of
 * the tables that it is made of.
 */
import { bitsChecks } from './bits.js';
import { assert, type Checks, type Env, type Heed, Missing, type Program, type Result, Skip } from './check.js';
import { decoderChecks } from './decoders.js';
import { fineTuningChecks } from './fine_tuning.js';
import { imageChecks } from './images.js';
import { modelChecks } from './models.js';
import { remoteChecks } from './remote.js';
import { sensesChecks } from './senses.js';
import { soundChecks } from './sound.js';
import { taskChecks } from './tasks.js';
import { torchChecks } from './torch.js';
import { trainingChecks } from './training.js';

export const checks: Checks = {
  'an engine tells what it got, and why not more': async ({ createEngine }, env) => {
    const engine = await createEngine({ threads: 2 });
    const { info } = engine;
    assert(info.threads === (env.threads ? 2 : 1), `threads: ${info.threads}, because ${info.reason}`);
    assert(env.threads || info.reason, 'one thread, and no reason given');
    assert(info.simd === (env.relaxed ? 'relaxed' : 'simd'), `simd: ${info.simd}`);
    await engine.dispose();
  },
  ...torchChecks,
  ...modelChecks,
  ...bitsChecks,
  ...decoderChecks,
  ...trainingChecks,
  ...fineTuningChecks,
  ...remoteChecks,
  ...taskChecks,
  ...imageChecks,
  ...sensesChecks,
  ...soundChecks,
};

/** heed with engines that take no more memory than there may be. */
function within(heed: Heed, maximum: number | undefined): Heed {
  if (maximum === undefined) return heed;
  return { ...heed, createEngine: (options) => heed.createEngine({ memory: { maximum }, ...options }) };
}

/** Runs every check, one after the other. */
const suite: Program = async (heed: Heed, env: Env): Promise<Result[]> => {
  const results: Result[] = [];
  for (const [name, check] of Object.entries(checks)) {
    env.begin?.(name);
    try {
      await check(within(heed, env.memory), env);
      results.push({ name });
    } catch (error) {
      if (error instanceof Skip) results.push({ name, skipped: error.message, missing: error instanceof Missing });
      // Some runtimes' stacks do not begin with the message.
      else results.push({ name, error: error instanceof Error ? `${error}\n${error.stack}` : String(error) });
    }
  }
  return results;
};
export default suite;
