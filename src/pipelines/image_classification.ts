/** pipeline('image-classification'): pictures to labels and their probabilities, in transformers.js's shapes. */
import type { Engine } from '../engine/engine.js';
import { checkOptions } from '../errors.js';
import type { ImageInput } from '../image/raw_image.js';
import type { Folder } from '../io/folder.js';
import { callable } from '../models/callable.js';
import type { PretrainedOptions } from '../models/options.js';
import { ImageClassifier, type LoadedImageClassifier, rankedImages } from './image_classifier.js';
import { ImagePipeline, imagesOf, loadImages } from './images.js';
import { type RunOptions, runOptionNames } from './rows.js';
import type { Classification, Scoring } from './scores.js';
import type { Task } from './tasks.js';
import { checkCount } from './text.js';

/** Options of a call of image-classification. */
export interface ImageClassificationOptions extends RunOptions {
  /** Number of labels of each picture, the likeliest first; null for all. Default 5. */
  top_k?: number | null | undefined;
  /** What makes scores of logits. Default as config.json's problem_type has it: 'sigmoid' for several labels at once or a single one, else 'softmax'. */
  function_to_apply?: Scoring | undefined;
}

/** A list of labels for a picture, a list of such lists for a list of pictures. */
export type ImageClassification = ImageClassificationPipeline & ImageClassificationPipeline['call'];

const name = 'image-classification';

/**
 * What pictures show, by a model that has learned it.
 * @example
 * ```js
 * const classify = await pipeline('image-classification');
 * const [{ label, score }] = await classify('cat.jpg');
 * ```
 */
export class ImageClassificationPipeline extends ImagePipeline<LoadedImageClassifier> {
  /** Loads a model's folder. `pipeline` does it. */
  static async load(engine: Engine, from: string | Folder, options: PretrainedOptions = {}): Promise<ImageClassification> {
    return loadImages(ImageClassifier, engine, from, options, (processor, model) =>
      callable(new ImageClassificationPipeline(processor, model)),
    );
  }

  /** The likeliest labels of a picture. Rejects with what reading it rejects with, ARGUMENT, NUMERIC, or `signal.reason`. */
  call(images: ImageInput, options?: ImageClassificationOptions): Promise<Classification[]>;
  /** Those of each picture. */
  call(images: readonly ImageInput[], options?: ImageClassificationOptions): Promise<Classification[][]>;
  async call(
    images: ImageInput | readonly ImageInput[],
    options: ImageClassificationOptions = {},
  ): Promise<Classification[] | Classification[][]> {
    checkOptions(options, ['top_k', 'function_to_apply', ...runOptionNames], name);
    const { top_k = 5 } = options;
    if (top_k !== null) checkCount(name, 'top_k', top_k);
    const found = await rankedImages(this, imagesOf(name, images, options), { ...options, top_k: undefined });
    const best = found.map((all) => all.slice(0, top_k ?? all.length));
    return Array.isArray(images) ? best : (best[0] as Classification[]);
  }
}

/** For `registerTask`. */
export const imageClassification: Task<'image-classification'> = {
  name,
  model: 'google/vit-base-patch16-224',
  load: ((...given) => ImageClassificationPipeline.load(...given)) as typeof ImageClassificationPipeline.load,
};
