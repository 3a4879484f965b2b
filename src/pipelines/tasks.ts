/** Tasks by their names, and what each becomes. heed registers all of them; heed/core has feature extraction, and a program that wants more registers it. */
import type { Engine } from '../engine/engine.js';
import { HeedError, kindOf } from '../errors.js';
import type { Folder } from '../io/folder.js';
import type { PretrainedOptions } from '../models/options.js';
import { FeatureExtractionPipeline, type FeatureExtractor } from './feature_extraction.js';
import type { FillMask } from './fill_mask.js';
import type { QuestionAnswering } from './question_answering.js';
import type { TextClassification } from './text_classification.js';
import type { TextGeneration } from './text_generation.js';
import type { Summarizer, TextGenerator, Translator } from './text2text.js';
import type { TokenClassification } from './token_classification.js';
import type { ZeroShotClassification } from './zero_shot_classification.js';

/** Pipelines that `pipeline` returns, by task. */
export interface Tasks {
  /** Texts to vectors. */
  'feature-extraction': FeatureExtractor;
  /** Tokens for a mask. */
  'fill-mask': FillMask;
  /** Answers out of a text. */
  'question-answering': QuestionAnswering;
  /** Labels of texts. */
  'text-classification': TextClassification;
  /** Labels of tokens, and entities. */
  'token-classification': TokenClassification;
  /** Labels that the caller names. */
  'zero-shot-classification': ZeroShotClassification;
  /** Continuations of texts, or answers to conversations. */
  'text-generation': TextGeneration;
  /** Texts into another language. */
  translation: Translator;
  /** Texts into shorter ones. */
  summarization: Summarizer;
  /** Texts to texts, as the model has learned. */
  'text2text-generation': TextGenerator;
  /** Other names. */
  'sentiment-analysis': TextClassification;
  /** Alias of 'token-classification'. */
  ner: TokenClassification;
  /** Alias of 'feature-extraction'. */
  embeddings: FeatureExtractor;
}

/** A task that `registerTask` makes known to `pipeline`: its names, its model, and how it is loaded. */
export interface Task<Name extends keyof Tasks = keyof Tasks> {
  /** Name of the task, as `pipeline` takes it. */
  readonly name: string;
  /** Other names. */
  readonly aliases?: readonly string[];
  /** Default model: a model on Hugging Face's hub as safetensors, small since pages download it, with its revision. */
  readonly model?: string;
  /** A function of its own rather than a pipeline's: bundlers keep a class whose member is read. */
  load(engine: Engine, folder: string | Folder, options?: PretrainedOptions): Promise<Tasks[Name]>;
}

const registry = new Map<string, Task>();

registerTask({
  name: 'feature-extraction',
  aliases: ['embeddings'],
  model: 'sentence-transformers/all-MiniLM-L6-v2@c9745ed1d9f207416be6d2e6f8de32d1f16199bf',
  load: FeatureExtractionPipeline.load,
});

/** Makes tasks known to `pipeline`. */
export function registerTask(...tasks: readonly Task[]): void {
  for (const task of tasks) {
    if (typeof task?.name !== 'string' || typeof task.load !== 'function')
      throw new HeedError('ARGUMENT', 'registerTask needs a name and load', { culprit: 'task', cure: 'Give one that heed/core exports' });
    for (const name of [task.name, ...(task.aliases ?? [])]) registry.set(name, task);
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

/** Tasks whose model was chosen for somebody who may not know it. */
const told = new Set<string>();

/** The model that a task has where none is asked for; the console says so once. Throws ARGUMENT where there is none. */
export function defaultModelOf(name: string): string {
  const { name: task, model } = taskOf(name);
  if (model === undefined) throw new HeedError('ARGUMENT', `${task} has no default model`, { culprit: 'model' });
  if (!told.has(task)) console.warn(`heed: ${task} without a model is ${model}`);
  told.add(task);
  return model;
}
