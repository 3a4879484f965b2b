/** pipeline('image-segmentation'): pictures to what each of their pixels is, in transformers.js's shapes. */
import type { Engine } from '../engine/engine.js';
import { checkOptions, HeedError, kindOf } from '../errors.js';
import { type ImageInput, RawImage } from '../image/raw_image.js';
import type { Folder } from '../io/folder.js';
import type { EncoderOutputs } from '../models/base_encoder.js';
import { callable } from '../models/callable.js';
import type { PretrainedOptions } from '../models/options.js';
import { SemanticSegmentationModel, type SemanticSegmenter } from '../models/task_model.js';
import { likeliest } from '../ops/likeliest.js';
import { narrow, reshape } from '../ops/shape.js';
import type { Tensor } from '../tensor.js';
import { ImagePipeline, imagesOf, loadImages, runImages } from './images.js';
import { type RunOptions, runOptionNames } from './rows.js';
import type { Task } from './tasks.js';
import { wrong } from './text.js';

/** Options of a call of image-segmentation. */
export interface ImageSegmentationOptions extends RunOptions {
  /** What is told apart: 'semantic', the kinds of things, is all that there is. Default 'semantic'. */
  subtask?: 'semantic' | undefined;
  /** Height and width of the masks of each picture. Default the picture's own. */
  target_sizes?: readonly (readonly [height: number, width: number])[] | undefined;
}

/** What some pixels of a picture are. */
export interface Segment {
  /** Always null: kinds of things have no probability for all of their pixels. */
  score: null;
  /** What it is, by config.json's id2label. */
  label: string;
  /** A grey picture: 255 for its pixels, 0 for all others. */
  mask: RawImage;
}

/** A list of what is in a picture, a list of such lists for a list of pictures. */
export type ImageSegmentation = ImageSegmentationPipeline & ImageSegmentationPipeline['call'];

const name = 'image-segmentation';

/**
 * What each pixel of pictures is.
 * @example
 * ```js
 * const segment = await pipeline('image-segmentation', 'nvidia/segformer-b0-finetuned-ade-512-512');
 * for (const { label, mask } of await segment('street.jpg')) await mask.save(`${label}.png`);
 * ```
 */
export class ImageSegmentationPipeline extends ImagePipeline<SemanticSegmenter> {
  /** Loads a model's folder. `pipeline` does it. */
  static async load(engine: Engine, from: string | Folder, options: PretrainedOptions = {}): Promise<ImageSegmentation> {
    return loadImages(SemanticSegmentationModel, engine, from, options, (processor, model) =>
      callable(new ImageSegmentationPipeline(processor, model)),
    );
  }

  /** What is in a picture, in the order of the model's labels. Rejects with what reading it rejects with, ARGUMENT, UNSUPPORTED for another subtask, NUMERIC, or `signal.reason`. */
  call(images: ImageInput, options?: ImageSegmentationOptions): Promise<Segment[]>;
  /** What is in each. */
  call(images: readonly ImageInput[], options?: ImageSegmentationOptions): Promise<Segment[][]>;
  async call(images: ImageInput | readonly ImageInput[], options: ImageSegmentationOptions = {}): Promise<Segment[] | Segment[][]> {
    checkOptions(options, ['subtask', 'target_sizes', ...runOptionNames], name);
    const { subtask = 'semantic', target_sizes } = options;
    if (subtask !== 'semantic')
      throw new HeedError('UNSUPPORTED', `${name}: there is no subtask ${kindOf(subtask)}`, {
        culprit: 'subtask',
        cure: "Use 'semantic': heed has no model that tells one thing from another of its kind",
      });
    const list = imagesOf(name, images, options);
    const isSize = (size: unknown) => Array.isArray(size) && size.length === 2 && size.every((n) => Number.isSafeInteger(n) && n > 0);
    if (target_sizes !== undefined && !(Array.isArray(target_sizes) && target_sizes.length === list.length && target_sizes.every(isSize)))
      throw wrong(name, 'target_sizes', target_sizes, 'It is a list of heights and widths, one pair for each picture');
    let done = 0;
    const { labels } = this.model;
    const found = await runImages(
      this,
      list,
      ({ logits }: EncoderOutputs, pictures) =>
        pictures.map(({ width, height }, i) =>
          segmentsIn(narrow(logits as Tensor, 0, i, 1), target_sizes?.[done++] ?? [height, width], labels),
        ),
      options,
    );
    return Array.isArray(images) ? found : (found[0] as Segment[]);
  }
}

/** Scores [1, h, w, classes] as a mask for each class that some pixel of so many has most of. */
function segmentsIn(scores: Tensor, [H, W]: readonly [height: number, width: number], labels: readonly string[]): Segment[] {
  const { data } = likeliest(reshape(scores, scores.shape.slice(1)), [H, W]).toHost();
  const masks = new Map<number, Uint8ClampedArray>();
  for (let i = 0; i < data.length; i++) {
    const c = data[i] as number;
    const mask = masks.get(c) ?? new Uint8ClampedArray(data.length);
    masks.set(c, mask);
    mask[i] = 255;
  }
  const present = [...masks].sort(([a], [b]) => a - b);
  return present.map(([c, mask]) => ({ score: null, label: labels[c] as string, mask: new RawImage(mask, W, H, 1) }));
}

/** For `registerTask`. */
export const imageSegmentation: Task<'image-segmentation'> = {
  name,
  model: 'nvidia/segformer-b0-finetuned-ade-512-512',
  load: ((...given) => ImageSegmentationPipeline.load(...given)) as typeof ImageSegmentationPipeline.load,
};
