/** Exports of heed, beside those that src/entry adds, which are bound to a runtime. */
export * from './core.js';

export { type Environment, LogLevel, type WasmEnvironment } from './io/env.js';
export type { CacheLike } from './io/url_cache.js';
export type {
  ClassifierOptions,
  LogitsOutput,
  MaskedLM,
  QuestionAnswerer,
  QuestionAnsweringOutput,
  TaskModelOf,
  TaskOptions,
  TokenClassifier,
} from './models/task_model.js';
export type { Classification, Scoring } from './pipelines/scores.js';
export type { Classifier, ClassifyOptions, SequenceClassifier, TextInput } from './pipelines/sequence_classifier.js';
export type { ClassifierFitOptions, TextClassifier, TextExample, TrainableClassifier } from './train/classifier.js';
