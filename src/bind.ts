/**
 * heed on a runtime: loading models and tokenizers, here or in a worker. src/entry has one file per runtime, which calls `bind` and exports its result; users never
 * see this file.
 */
import { type Auto, type Bound, bindModels, type Models } from './bind_models.js';
import { checkOptions } from './errors.js';
import { folderOfSource, type ModelSource, type Source, sourceOf, sourceOptionNames } from './io/find.js';
import { checkListener, observed } from './io/progress.js';
import { type AdaptedOptions, type PretrainedOptions, pretrainedOptionNames, type TokenizerOptions } from './models/options.js';
import { defaultModelOf, type Tasks, taskOf } from './pipelines/tasks.js';
import { registerFiles } from './remote/client.js';
import { crossingFiles } from './remote/files.js';
import { type CallableTokenizer, Tokenizer } from './text/tokenizer.js';

export interface Heed extends Models {
  /**
   * Loads a model and a tokenizer for a task. Without a model, the task's default is loaded, and the console names it. In a page the model lives in a worker; see
   * PretrainedOptions.
   */
  pipeline<Name extends keyof Tasks>(
    task: Name,
    model?: ModelSource | null,
    options?: PretrainedOptions & (Name extends 'text-generation' ? AdaptedOptions : unknown),
  ): Promise<Tasks[Name]>;
  /** Loader of the tokenizers that models bring along. */
  AutoTokenizer: {
    /** Reads a model's tokenizer. Rejects with NOT_FOUND, FORMAT, UNSUPPORTED, NETWORK, or `signal.reason`. */
    from_pretrained(model: ModelSource, options?: TokenizerOptions): Promise<CallableTokenizer>;
  };
}

/** `pipeline` of what is bound. */
export function bindTasks({ load, loadHere }: Bound): Heed['pipeline'] {
  registerFiles(crossingFiles);
  const here = async (task: string, source: Source, options: PretrainedOptions) => {
    const { load, name } = taskOf(task);
    return Object.assign(await loadHere(source, options, load as Auto['load'], task), { task: name });
  };
  const pipeline = async (task: string, model?: ModelSource | null, options: PretrainedOptions = {}) =>
    load('pipeline', [task], model ?? defaultModelOf(task), options, taskOf(task).optionNames ?? pretrainedOptionNames, here);
  return pipeline as unknown as Heed['pipeline'];
}

/** `AutoTokenizer` of what is bound. */
export const bindTokenizer = ({ runtime, hub }: Bound): Heed['AutoTokenizer'] => ({
  from_pretrained: async (model: ModelSource, options: TokenizerOptions = {}) => {
    checkOptions(options, ['signal', 'progress_callback', ...sourceOptionNames], 'from_pretrained');
    const { signal, progress_callback: listen } = options;
    checkListener(listen);
    const source = await sourceOf(runtime, model, options, hub);
    const folder = folderOfSource(runtime, source, hub);
    return Tokenizer.load(listen ? observed(folder, listen, { name: source.name, weights: false }) : folder, { signal }, runtime);
  },
});

/** All of it. */
export function bind(...given: Parameters<typeof bindModels>): Heed {
  const bound = bindModels(...given);
  const { createEngine, sharedEngine, auto } = bound;
  return { createEngine, sharedEngine, auto, pipeline: bindTasks(bound), AutoTokenizer: bindTokenizer(bound) };
}
