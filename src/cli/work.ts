/** Shared parts of all commands that run a model: an engine for the duration of the work, a pipeline loaded with a bar, a model's notice, texts a few at a time. */
import type { Engine } from '../engine/engine.js';
import { createEngine, env, pipeline } from '../entry/node.js';
import { folderFor } from '../io/find.js';
import type { Folder } from '../io/folder.js';
import { hubOf } from '../io/hub.js';
import type { Tasks } from '../pipelines/tasks.js';
import type { Runtime } from '../runtime/types.js';
import { linesOfInput, sizeOfInput } from './lines.js';
import type { EngineFlags } from './options.js';
import { filesOf, progress, showNotice, withBar } from './progress.js';

/** A model's folder, by what its user calls it. */
export const modelFolder = (runtime: Runtime, model: string): Promise<Folder> => folderFor(runtime, model, {}, hubOf(runtime, env));

/** Runs `work` on an engine, which ends with it. */
export async function withEngine<T>({ threads, deterministic }: EngineFlags, work: (engine: Engine) => Promise<T>): Promise<T> {
  // Vectors of 256 bits where there are any: they change no bit.
  const engine = await createEngine({ threads, deterministic, wide: true });
  try {
    return await work(engine);
  } finally {
    await engine.dispose();
  }
}

/** Runs `work` with a task's pipeline on an engine of its own. */
export function withPipeline<Name extends keyof Tasks, T>(
  task: Name,
  flags: EngineFlags & { model?: string },
  work: (pipe: Tasks[Name], engine: Engine) => Promise<T>,
): Promise<T> {
  return withEngine(flags, async (engine) => {
    const pipe = await loadPipeline(engine, task, flags.model);
    return work(pipe, engine);
  });
}

/** A task's pipeline on an engine that is there; without a model the task's own, of which `pipeline` tells. */
export async function loadPipeline<Name extends keyof Tasks>(
  engine: Engine,
  task: Name,
  model: string | undefined,
  signal?: AbortSignal,
): Promise<Tasks[Name]> {
  const pipe = await withBar('loading', (update) => pipeline(task, model, { engine, signal, progress_callback: filesOf(update) }));
  showNotice(pipe.model.config);
  return pipe;
}

/**
 * Work on the texts that were given as arguments, else on the lines of standard input as they come, `together` at a time at most, with one bar for all of them: `work`
 * tells how many of its own are done.
 */
export async function eachTexts(
  what: string,
  texts: readonly string[],
  work: (some: readonly string[], onProgress: (done: number) => void) => Promise<void>,
  together?: number,
): Promise<void> {
  const bar = progress(what);
  const total = texts.length ? sum(texts.map(sizeOf)) : sizeOfInput();
  const begin = performance.now();
  let [count, size] = [0, 0];
  try {
    for await (const some of textsIn(texts, together)) {
      const sizes = some.map(sizeOf);
      const told = (done: number) => {
        const rate = ((count + done) * 1000) / Math.max(1, performance.now() - begin);
        bar.update(size + sum(sizes.slice(0, done)), total, `${count + done} texts, ${rate.toPrecision(3)}/s | `);
      };
      await work(some, told);
      count += some.length;
      size += sum(sizes);
      told(0);
    }
  } finally {
    bar.stop();
  }
}

/** Bytes of a text as a line of a file. */
const sizeOf = (text: string): number => Buffer.byteLength(text) + 1;
const sum = (numbers: readonly number[]): number => numbers.reduce((total, n) => total + n, 0);

/** The texts that were given as arguments, else the lines of standard input as they come; `together` at a time at most. */
export async function* textsIn(texts: readonly string[], together = 256): AsyncGenerator<readonly string[]> {
  for await (const some of texts.length ? [texts] : linesOfInput({ eager: true }))
    for (let at = 0; at < some.length; at += together) yield some.slice(at, at + together);
}
