/** pipeline('depth-estimation'): pictures to how far away what they show is, in transformers.js's shapes. */
import type { Engine } from '../engine/engine.js';
import { checkOptions } from '../errors.js';
import { type ImageInput, RawImage } from '../image/raw_image.js';
import type { Folder } from '../io/folder.js';
import type { EncoderOutputs } from '../models/base_encoder.js';
import { callable } from '../models/callable.js';
import type { PretrainedOptions } from '../models/options.js';
import { DepthEstimationModel, type DepthEstimator } from '../models/task_model.js';
import { resampleGrid } from '../nn/resampling.js';
import { narrow, reshape } from '../ops/shape.js';
import { HostTensor, type Tensor } from '../tensor.js';
import { ImagePipeline, imagesOf, loadImages, runImages, type Seen } from './images.js';
import { partsOf, type RunOptions, runOptionNames } from './rows.js';
import type { Task } from './tasks.js';

/** How far away what a picture shows is. */
export interface Depth {
  /** float32 [height, width], at the picture's size: metres, or, of a relative model, more for what is nearer. */
  predicted_depth: HostTensor;
  /** The same as a grey picture, the least of it 0 and the most 255. */
  depth: RawImage;
}

/** A depth for a picture, a list of depths for a list of pictures. */
export type DepthEstimation = DepthEstimationPipeline & DepthEstimationPipeline['call'];

const name = 'depth-estimation';

/**
 * How far away what pictures show is.
 * @example
 * ```js
 * const measure = await pipeline('depth-estimation', 'depth-anything/Depth-Anything-V2-Small-hf');
 * const { depth } = await measure('street.jpg');
 * await depth.save('depth.png');
 * ```
 */
export class DepthEstimationPipeline extends ImagePipeline<DepthEstimator> {
  /** Loads a model's folder. `pipeline` does it. */
  static async load(engine: Engine, from: string | Folder, options: PretrainedOptions = {}): Promise<DepthEstimation> {
    return loadImages(DepthEstimationModel, engine, from, options, (processor, model) =>
      callable(new DepthEstimationPipeline(processor, model)),
    );
  }

  /** The depth of a picture. Rejects with what reading it rejects with, ARGUMENT, NUMERIC, or `signal.reason`. */
  call(images: ImageInput, options?: RunOptions): Promise<Depth>;
  /** Those of each picture. */
  call(images: readonly ImageInput[], options?: RunOptions): Promise<Depth[]>;
  async call(images: ImageInput | readonly ImageInput[], options: RunOptions = {}): Promise<Depth | Depth[]> {
    checkOptions(options, runOptionNames, name);
    const read = ({ logits }: EncoderOutputs, pictures: readonly Seen[]) =>
      pictures.map((picture, i) => depthOf(narrow(logits as Tensor, 0, i, 1), picture));
    const found = await runImages(this, imagesOf(name, images, options), read, options);
    return Array.isArray(images) ? found : (found[0] as Depth);
  }
}

/** Depths [1, h, w] at the size of their picture. */
function depthOf(depths: Tensor, { width, height }: Seen): Depth {
  const [, h, w] = depths.shape as [number, number, number];
  const grid = resampleGrid(reshape(depths, [h * w, 1]), [h, w], [height, width], { mode: 'bilinear' });
  const [numbers] = partsOf(reshape(grid, [1, height * width])) as [Float32Array];
  const [least, most] = numbers.reduce(([a, b], x) => [Math.min(a, x), Math.max(b, x)] as const, [Infinity, -Infinity] as const);
  const grey = new Uint8ClampedArray(numbers.length);
  // What is everywhere as far away is black.
  if (most > least) for (const [i, x] of numbers.entries()) grey[i] = Math.trunc(((x - least) / (most - least)) * 255);
  return {
    predicted_depth: new HostTensor('float32', Float32Array.from(numbers), [height, width]),
    depth: new RawImage(grey, width, height, 1),
  };
}

/** For `registerTask`. */
export const depthEstimation: Task<'depth-estimation'> = {
  name,
  model: 'depth-anything/Depth-Anything-V2-Small-hf',
  load: ((...given) => DepthEstimationPipeline.load(...given)) as typeof DepthEstimationPipeline.load,
};
