/** A pipeline that a framework's model is made of: loaded already, on its way, or loaded when the model is first asked. */
import { HeedError, kindOf } from '../errors.js';
import type { Tasks } from '../pipelines/tasks.js';

/** A pipeline, or what loads one at the first call. */
export type Loadable<Task extends keyof Tasks = keyof Tasks> = Tasks[Task] | Promise<Tasks[Task]> | (() => Promise<Tasks[Task]>);

const isPipeline = (given: unknown): given is { task: string } => typeof given === 'function' && 'task' in given;

/** Says how to have the pipeline at any time: it is loaded once, and again where that has failed. Throws ARGUMENT for what is none. */
export function loaded<Task extends keyof Tasks>(given: Loadable<Task>, name: string): () => Promise<Tasks[Task]> {
  if (isPipeline(given) || given instanceof Promise) return async () => given;
  if (typeof given !== 'function')
    throw new HeedError('ARGUMENT', `The model ${name} is ${kindOf(given)}`, {
      culprit: name,
      cure: "Give a pipeline, or a function that loads one: () => pipeline('text-generation', …)",
    });
  let loading: Promise<Tasks[Task]> | undefined;
  return () => {
    loading ??= Promise.resolve((given as () => Promise<Tasks[Task]>)()).catch((error) => {
      loading = undefined;
      throw error;
    });
    return loading;
  };
}

/** Expects a pipeline for one of some tasks, in this thread where it must be. Throws UNSUPPORTED for another. */
export function expectPipeline<Task extends keyof Tasks>(pipe: unknown, name: string, tasks: readonly Task[]): Tasks[Task] {
  const unfit = (what: string, cure: string) => new HeedError('UNSUPPORTED', `The model ${name} is ${what}`, { culprit: name, cure });
  if (!isPipeline(pipe) || !(tasks as readonly string[]).includes(pipe.task))
    throw unfit(isPipeline(pipe) ? `one for ${pipe.task}` : kindOf(pipe), `Give a pipeline for ${tasks.join(' or ')}`);
  if ('model' in pipe) return pipe as unknown as Tasks[Task];
  throw unfit('in a worker', 'Give a pipeline of this thread; a worker can have the framework with the model in it');
}
