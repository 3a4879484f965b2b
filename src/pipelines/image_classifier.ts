/**
 * AutoModelForImageClassification: an encoder that classifies pictures. A call takes `pixel_values` and returns logits, like every model; `classify` takes pictures and returns
 * labels. Training is in src/train/image_classifier.ts.
 */
import type { Engine } from '../engine/engine.js';
import { settleEarly } from '../engine/queue.js';
import { checkOptions } from '../errors.js';
import { type CallableImageProcessor, ImageProcessor } from '../image/processor.js';
import type { ImageInput } from '../image/source.js';
import type { Folder } from '../io/folder.js';
import { callable } from '../models/callable.js';
import type { ModelCall, PixelInputs } from '../models/model.js';
import { type ClassifierOptions, type LogitsOutput, loadTask, TaskModel } from '../models/task_model.js';
import type { Tensor } from '../tensor.js';
import { imagesOf, runImages } from './images.js';
import { partsOf, type RunOptions, runOptionNames } from './rows.js';
import { type Classification, ranked, type Scoring, scoring, scoringOf } from './scores.js';
import { checkCount } from './text.js';

/** Options of an image classifier's `classify`. */
export interface ClassifyImagesOptions extends RunOptions {
  /** Number of labels of each picture, the likeliest first. Default 1: a single Classification for each picture, not a list. */
  top_k?: number | undefined;
  /**
   * Function from logits to scores. Default by config.json's problem_type: 'none' for a regression, 'sigmoid' for several labels at once or a single one,
   * else 'softmax'.
   */
  function_to_apply?: Scoring | undefined;
}

/** A classifier of pictures that can be called. In a page the model runs in a worker: `engine` and `encoder` then throw an error that says so. */
export type LoadedImageClassifier = Pick<ImageClassifier, ImageClassifierMember> & ModelCall<LogitsOutput, PixelInputs>;
export const imageClassifierMethods = ['run', 'forward', 'classify', 'save_pretrained'] as const;
export type ImageClassifierMember =
  | (typeof imageClassifierMethods)[number]
  | ('engine' | 'config' | 'encoder' | 'labels' | 'trainable' | 'info' | 'call' | 'dispose');

/** A loaded encoder with a head that labels pictures: logits [B, labels]. */
export class ImageClassifier extends TaskModel<'ImageClassification'> {
  /** Kind of what `classify` and `fit` take: files may be given by addresses. */
  readonly reads = 'files';
  #processor: Promise<CallableImageProcessor> | undefined;

  /** Loads a folder's config.json and weights. Throws MODEL_MISMATCH for a checkpoint without a head, unless it is to be trained. */
  static async load(engine: Engine, folder: string | Folder, options: ClassifierOptions = {}): Promise<LoadedImageClassifier> {
    return callable(new ImageClassifier(...(await loadTask('ImageClassification', engine, folder, options))), imageClassifierMethods);
  }

  /** Image processor of the model's folder, read once on first use and shared by all callers: a signal ends the caller's waiting, not the reading. */
  protected processor(signal?: AbortSignal): Promise<CallableImageProcessor> {
    const processor = this.#processor ?? ImageProcessor.load(this.origin.folder);
    this.#processor = processor;
    processor.catch(() => {
      this.#processor = undefined;
    });
    return settleEarly(processor, signal);
  }

  /** The likeliest label of a picture, or of each of several; with `top_k` lists of them. */
  async classify(
    images: ImageInput | readonly ImageInput[],
    options: ClassifyImagesOptions = {},
  ): Promise<Classification | Classification[] | Classification[][]> {
    checkOptions(options, ['top_k', 'function_to_apply', ...runOptionNames], 'classify');
    const list = imagesOf('classify', images, options);
    const { top_k, signal } = options;
    if (top_k !== undefined) checkCount('classify', 'top_k', top_k);
    const found = await rankedImages({ model: this, processor: await this.processor(signal) }, list, options);
    const answers = top_k === undefined ? found.map(([first]) => first as Classification) : found.map((all) => all.slice(0, top_k));
    return Array.isArray(images) ? (answers as Classification[]) : (answers[0] as Classification);
  }
}

/** All labels of each picture, the likeliest first, by a classifier and the image processor that goes with it. */
export function rankedImages(
  by: {
    model: Pick<ImageClassifier, 'engine' | 'encoder' | 'run' | 'config' | 'labels' | 'info' | 'dispose'>;
    processor: CallableImageProcessor;
  },
  images: readonly ImageInput[],
  options: ClassifyImagesOptions,
): Promise<Classification[][]> {
  const { labels, config } = by.model;
  const apply = scoring[scoringOf(options.function_to_apply, config, labels.length)];
  const read = ({ logits }: { logits: Tensor | undefined }) => partsOf(logits as Tensor).map((row) => ranked(apply(row), labels));
  return runImages(by, images, read, options);
}
