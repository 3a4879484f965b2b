import { expectPipeline } from '../chat/loadable.js';
import type { Tasks } from '../pipelines/tasks.js';

/** What all models for the AI SDK have: the version of its interface, the provider's name, and a pipeline of this process, which is loaded when the model is first asked. */
export abstract class HeedModel {
  /** Version of the AI SDK's interface. */
  readonly specificationVersion = 'v4' as const;
  /** Name of the provider. */
  readonly provider = 'heed';
  readonly #load: () => Promise<unknown>;

  constructor(
    /** Name of the model. */
    readonly modelId: string,
    load: () => Promise<unknown>,
  ) {
    this.#load = load;
  }

  /** Loads the pipeline. Rejects with UNSUPPORTED for one of another task. */
  protected async pipelineFor<Task extends keyof Tasks>(...tasks: readonly Task[]): Promise<Tasks[Task]> {
    return expectPipeline(await this.#load(), this.modelId, tasks);
  }
}
