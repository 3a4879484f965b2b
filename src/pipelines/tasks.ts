/** Tasks by their names, and what each becomes. heed registers all of them; heed/core has feature extraction, and a program that wants more registers it. */
import type { Engine } from '../engine/engine.js';
import { HeedError, kindOf } from '../errors.js';
import type { Folder } from '../io/folder.js';
import type { PretrainedOptions } from '../models/model.js';
import { FeatureExtractionPipeline, type FeatureExtractor } from './feature_extraction.js';
import type { TextClassification } from './text_classification.js';
import type { Summarizer, TextGenerator, Translator } from './text2text.js';

export interface Tasks {
  'feature-extraction': FeatureExtractor;
  'text-classification': TextClassification;
  translation: Translator;
  summarization: Summarizer;
  'text2text-generation': TextGenerator;
}

export interface Task<Name extends keyof Tasks = keyof Tasks> {
  readonly name: string;
  load(engine: Engine, folder: string | Folder, options?: PretrainedOptions): Promise<Tasks[Name]>;
}

const registry = new Map<string, Task>([['feature-extraction', { name: 'feature-extraction', load: FeatureExtractionPipeline.load }]]);

/** Makes tasks known to `pipeline`. */
export function registerTask(...tasks: readonly Task[]): void {
  for (const task of tasks) {
    if (typeof task?.name !== 'string' || typeof task.load !== 'function')
      throw new HeedError('ARGUMENT', 'registerTask needs a name and load', { culprit: 'task', cure: 'Give one that heed/core exports' });
    registry.set(task.name, task);
  }
}

/** The task of a name. Throws UNSUPPORTED where none is registered. */
export function taskOf(name: string): Task {
  const task = typeof name === 'string' ? registry.get(name) : undefined;
  if (task) return task;
  throw new HeedError('UNSUPPORTED', `There is no task ${kindOf(name)}`, {
    culprit: 'task',
    cure: `There are ${[...registry.keys()].join(', ')}`,
  });
}
