/** Tasks by name, with their pipelines. heed registers all of them; heed/core has feature extraction, and a program registers further ones. */
import type { Engine } from '../engine/engine.js';
import { HeedError, kindOf } from '../errors.js';
import type { Folder } from '../io/folder.js';
import type { PretrainedOptions } from '../models/options.js';
import type { DepthEstimation } from './depth_estimation.js';
import { FeatureExtractionPipeline, type FeatureExtractor } from './feature_extraction.js';
import type { FillMask } from './fill_mask.js';
import type { ImageClassification } from './image_classification.js';
import type { ImageFeatureExtractor } from './image_feature_extraction.js';
import type { ImageSegmentation } from './image_segmentation.js';
import type { ImageToImage } from './image_to_image.js';
import type { ObjectDetection } from './object_detection.js';
import type { QuestionAnswering } from './question_answering.js';
import type { SpeechRecognizer } from './speech/recognition.js';
import type { TextClassification } from './text_classification.js';
import type { TextGeneration } from './text_generation.js';
import type { Summarizer, TextGenerator, Translator } from './text2text.js';
import type { TokenClassification } from './token_classification.js';
import type { ZeroShotClassification } from './zero_shot_classification.js';
import type { ZeroShotImageClassification } from './zero_shot_image_classification.js';

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
  /** Labels of pictures. */
  'image-classification': ImageClassification;
  /** Pictures to vectors, or states of their patches. */
  'image-feature-extraction': ImageFeatureExtractor;
  /** Pictures to larger or better ones. */
  'image-to-image': ImageToImage;
  /** Labels of pictures that the caller names. */
  'zero-shot-image-classification': ZeroShotImageClassification;
  /** What is where in pictures. */
  'object-detection': ObjectDetection;
  /** How far away what pictures show is. */
  'depth-estimation': DepthEstimation;
  /** What each pixel of pictures is. */
  'image-segmentation': ImageSegmentation;
  /** What is said in sounds. */
  'automatic-speech-recognition': SpeechRecognizer;
  /** Other names. */
  'sentiment-analysis': TextClassification;
  /** Alias of 'token-classification'. */
  ner: TokenClassification;
  /** Alias of 'automatic-speech-recognition'. */
  asr: SpeechRecognizer;
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
  /** Names of its options. Default: those of PretrainedOptions. */
  readonly optionNames?: readonly string[];
  /** A function of its own rather than a pipeline's: bundlers keep a class whose member is read. */
  load(engine: Engine, folder: string | Folder, options?: PretrainedOptions): Promise<Tasks[Name]>;
}

/** What is there without being registered: a value alone, so that a bundle without tasks is without it. */
const featureExtraction: Task<'feature-extraction'> = {
  name: 'feature-extraction',
  model: 'sentence-transformers/all-MiniLM-L6-v2@c9745ed1d9f207416be6d2e6f8de32d1f16199bf',
  load: (...given) => FeatureExtractionPipeline.load(...given),
};
const registry = /* @__PURE__ */ new Map<string, Task>([
  ['feature-extraction', featureExtraction],
  ['embeddings', featureExtraction],
]);

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

/** Tasks whose default model was already announced on the console. */
const told = new Set<string>();

/** Default model of a task, which the console announces once. Throws ARGUMENT where there is none. */
export function defaultModelOf(name: string): string {
  const { name: task, model } = taskOf(name);
  if (model === undefined) throw new HeedError('ARGUMENT', `${task} has no default model`, { culprit: 'model' });
  if (!told.has(task)) console.warn(`heed: ${task} without a model is ${model}`);
  told.add(task);
  return model;
}
