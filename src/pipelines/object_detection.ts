/** pipeline('object-detection'): pictures to what is where in them, in transformers.js's shapes. */
import type { Engine } from '../engine/engine.js';
import { checkOptions } from '../errors.js';
import type { ImageInput } from '../image/raw_image.js';
import type { Folder } from '../io/folder.js';
import type { EncoderOutputs } from '../models/base_encoder.js';
import { callable } from '../models/callable.js';
import { BOX } from '../models/detection_head.js';
import type { PretrainedOptions } from '../models/options.js';
import { ObjectDetectionModel, type ObjectDetector } from '../models/task_model.js';
import { expectBooleans } from '../ops/check.js';
import type { Tensor } from '../tensor.js';
import { ImagePipeline, imagesOf, loadImages, runImages, type Seen } from './images.js';
import { partsOf, type RunOptions, runOptionNames } from './rows.js';
import { softmax } from './scores.js';
import type { Task } from './tasks.js';
import { wrong } from './text.js';

/** Options of a call of object-detection. */
export interface ObjectDetectionOptions extends RunOptions {
  /** The least probability of what is told, from 0 to 1. Default 0.9. */
  threshold?: number | undefined;
  /** Whether boxes are shares of the picture, from 0 to 1, rather than whole pixels. Default false. */
  percentage?: boolean | undefined;
}

/** Something that is in a picture. */
export interface Detection {
  /** What it is, by config.json's id2label. */
  label: string;
  /** Its probability. */
  score: number;
  /** Where it is, from the upper left corner: pixels of the picture, or shares of it. */
  box: Box;
}

/** A rectangle in a picture. */
export interface Box {
  /** Its left edge. */
  xmin: number;
  /** Its upper edge. */
  ymin: number;
  /** Its right edge. */
  xmax: number;
  /** Its lower edge. */
  ymax: number;
}

/** A list of what is in a picture, a list of such lists for a list of pictures. */
export type ObjectDetection = ObjectDetectionPipeline & ObjectDetectionPipeline['call'];

const name = 'object-detection';

/**
 * What is where in pictures.
 * @example
 * ```js
 * const detect = await pipeline('object-detection', 'hustvl/yolos-tiny');
 * for (const { label, score, box } of await detect('street.jpg', { threshold: 0.5 })) console.log(label, score, box.xmin);
 * ```
 */
export class ObjectDetectionPipeline extends ImagePipeline<ObjectDetector> {
  /** Loads a model's folder. `pipeline` does it. */
  static async load(engine: Engine, from: string | Folder, options: PretrainedOptions = {}): Promise<ObjectDetection> {
    return loadImages(ObjectDetectionModel, engine, from, options, (processor, model) =>
      callable(new ObjectDetectionPipeline(processor, model)),
    );
  }

  /** What is in a picture, the likeliest first. Rejects with what reading it rejects with, ARGUMENT, NUMERIC, or `signal.reason`. */
  call(images: ImageInput, options?: ObjectDetectionOptions): Promise<Detection[]>;
  /** What is in each. */
  call(images: readonly ImageInput[], options?: ObjectDetectionOptions): Promise<Detection[][]>;
  async call(images: ImageInput | readonly ImageInput[], options: ObjectDetectionOptions = {}): Promise<Detection[] | Detection[][]> {
    checkOptions(options, ['threshold', 'percentage', ...runOptionNames], name);
    const { threshold = 0.9, percentage = false } = options;
    expectBooleans(name, { percentage });
    if (!(typeof threshold === 'number' && threshold >= 0 && threshold <= 1))
      throw wrong(name, 'threshold', threshold, 'It is a number from 0 to 1');
    const { labels } = this.model;
    const read = ({ logits }: EncoderOutputs, pictures: readonly Seen[]) =>
      partsOf(logits as Tensor).map((rows, i) => {
        const { width, height } = pictures[i] as Seen;
        const size = percentage ? undefined : ([width, height] as const);
        return thingsIn(rows, labels, threshold, size);
      });
    const found = await runImages(this, imagesOf(name, images, options), read, options);
    return Array.isArray(images) ? found : (found[0] as Detection[]);
  }
}

/** Of rows [N][classes + 1 + 4] those that are something, the last class being nothing. */
function thingsIn(
  rows: Float32Array,
  labels: readonly string[],
  threshold: number,
  size: readonly [number, number] | undefined,
): Detection[] {
  const width = labels.length + 1 + BOX;
  const found: Detection[] = [];
  for (let at = 0; at < rows.length; at += width) {
    const scores = softmax(rows.subarray(at, at + labels.length + 1));
    const best = scores.reduce((most, score, i) => (score > (scores[most] as number) ? i : most), 0);
    const score = scores[best] as number;
    if (best === labels.length || score <= threshold) continue;
    found.push({ label: labels[best] as string, score, box: boxOf(rows.subarray(at + width - BOX, at + width), size) });
  }
  return found.sort((a, b) => b.score - a.score);
}

/** Corners of a box that is given by its centre, width and height as shares of the picture. */
function boxOf([x = 0, y = 0, w = 0, h = 0]: ArrayLike<number> & Iterable<number>, size: readonly [number, number] | undefined): Box {
  const [width, height] = size ?? [1, 1];
  // A sum with 0, so that no pixel is −0.
  const at = (share: number, of: number) => (size ? Math.trunc(share * of) + 0 : share);
  return { xmin: at(x - w / 2, width), ymin: at(y - h / 2, height), xmax: at(x + w / 2, width), ymax: at(y + h / 2, height) };
}

/** For `registerTask`. */
export const objectDetection: Task<'object-detection'> = {
  name,
  model: 'hustvl/yolos-tiny',
  load: ((...given) => ObjectDetectionPipeline.load(...given)) as typeof ObjectDetectionPipeline.load,
};
