/**
 * A run's checkpoints in a folder: `step-250.safetensors` for steps, of which the last few are kept, and `best.safetensors` for the best evaluation. The
 * runtime writes them, each as a whole or not at all; this file finds the last good one.
 */
import { HeedError } from '../errors.js';
import type { Runtime } from '../runtime/types.js';
import { checkpointOf, type Run, restore } from './checkpoint.js';

const BEST = 'best.safetensors';
const numbered = /^step-(\d{1,15})\.safetensors$/;
/** Temporary files that a process leaves behind when it is killed while writing. */
const unfinished = /^(step-\d{1,15}|best)\.safetensors\.tmp$/;

/** Steps that have a checkpoint, the last first. */
async function stepsIn(runtime: Runtime, folder: string): Promise<number[]> {
  const names = await runtime.listFolder(folder);
  return names
    .flatMap((name) => numbered.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => b - a);
}

const fileOf = (step: number) => `step-${step}.safetensors`;

/** Writes a checkpoint, and only then removes the oldest ones beyond `keep`. Returns the file's place. */
export async function save(run: Run, folder: string, keep: number): Promise<string> {
  const { runtime } = run.engine;
  const location = runtime.join(folder, fileOf(run.state.step));
  await runtime.writeFile(location, checkpointOf(run));
  const steps = await stepsIn(runtime, folder);
  // Later checkpoints belong to a run that was abandoned for this one.
  const [later, older] = [steps.filter((step) => step > run.state.step), steps.filter((step) => step < run.state.step)];
  const old = [...later, ...older.slice(keep - 1)];
  const left = (await runtime.listFolder(folder)).filter((name) => unfinished.test(name));
  for (const name of [...old.map(fileOf), ...left]) await runtime.removeFile(runtime.join(folder, name));
  return location;
}

/** Throws ARGUMENT where a folder has the checkpoints of another run, which this one would write over. */
export async function expectFree(runtime: Runtime, folder: string): Promise<void> {
  const [name] = await namesIn(runtime, folder, false);
  if (name === undefined) return;
  throw new HeedError('ARGUMENT', `${folder} has checkpoints of an earlier run, ${name} for one`, {
    culprit: 'checkpoint.folder',
    cure: 'Go on from it with trainer.resume(folder), or choose another folder',
  });
}

export async function saveBest(run: Run, folder: string): Promise<void> {
  const { runtime } = run.engine;
  await runtime.writeFile(runtime.join(folder, BEST), checkpointOf(run));
}

/**
 * Continues from the last undamaged checkpoint of a folder, or from the best. Returns `true` if there is one. Damaged ones are skipped with a warning; throws
 * FORMAT where there are no others.
 */
export async function resume(run: Run, folder: string, best: boolean, warn: (message: string) => void): Promise<boolean> {
  const { runtime } = run.engine;
  const names = await namesIn(runtime, folder, best);
  let failure: unknown;
  for (const name of names) {
    const location = runtime.join(folder, name);
    try {
      await restore(run, () => runtime.open(location), warn);
      return true;
    } catch (error) {
      if (!(error instanceof HeedError && error.code === 'FORMAT')) throw error;
      warn(error.message);
      failure = error;
    }
  }
  if (failure) throw failure;
  return false;
}

async function namesIn(runtime: Runtime, folder: string, best: boolean): Promise<string[]> {
  try {
    if (best) return (await runtime.listFolder(folder)).filter((name) => name === BEST);
    return (await stepsIn(runtime, folder)).map(fileOf);
  } catch (error) {
    if (error instanceof HeedError && error.code === 'NOT_FOUND') return [];
    throw error;
  }
}
