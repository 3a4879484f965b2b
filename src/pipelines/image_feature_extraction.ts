/** pipeline('image-feature-extraction'): pictures to states of their patches, or one vector each, in transformers.js's shapes. */
import type { Engine } from '../engine/engine.js';
import { checkOptions, HeedError } from '../errors.js';
import type { ImageInput } from '../image/raw_image.js';
import type { Folder } from '../io/folder.js';
import type { EncoderOutputs } from '../models/base_encoder.js';
import { callable } from '../models/callable.js';
import { EncoderModel, type Model } from '../models/model.js';
import type { PretrainedOptions } from '../models/options.js';
import { hostFloats } from '../models/room.js';
import { expectBooleans } from '../ops/check.js';
import { HostTensor, type Tensor } from '../tensor.js';
import { ImagePipeline, imagesOf, loadImages, rowsIn, runImages } from './images.js';
import { type RunOptions, runOptionNames } from './rows.js';
import type { Task } from './tasks.js';

/** Options of a call of image-feature-extraction. */
export interface ImageFeatureExtractionOptions extends RunOptions {
  /** `true` for one vector of each picture, the model's pooler_output; else the states of all patches. CLIP's and SigLIP's are vectors anyway. Default false. */
  pool?: boolean | undefined;
}

/** A tensor [pictures, T, C] of states, or [pictures, C] of vectors. */
export type ImageFeatureExtractor = ImageFeatureExtractionPipeline & ImageFeatureExtractionPipeline['call'];

const name = 'image-feature-extraction';

/** Vectors of a model that has no states for users; else what was asked for. */
const foundIn = ({ named = {}, poolerOutput, lastHiddenState }: EncoderOutputs, pool: boolean): Tensor | undefined =>
  named.image_embeds ?? (pool ? (named.pooler_output ?? poolerOutput) : lastHiddenState);

/**
 * Vectors of pictures.
 * @example
 * ```js
 * const see = await pipeline('image-feature-extraction', 'facebook/dinov2-small');
 * const vectors = await see(['cat.jpg', 'dog.jpg'], { pool: true }); // [2, 384]
 * ```
 */
export class ImageFeatureExtractionPipeline extends ImagePipeline<Model> {
  /** Loads a model's folder. `pipeline` does it. */
  static async load(engine: Engine, from: string | Folder, options: PretrainedOptions = {}): Promise<ImageFeatureExtractor> {
    return loadImages(EncoderModel, engine, from, options, (processor, model) =>
      callable(new ImageFeatureExtractionPipeline(processor, model)),
    );
  }

  /** States or vectors, float32. Rejects with what reading pictures rejects with, ARGUMENT, UNSUPPORTED for a model without vectors, SHAPE for pictures of several sizes, or `signal.reason`. */
  async call(images: ImageInput | readonly ImageInput[], options: ImageFeatureExtractionOptions = {}): Promise<HostTensor> {
    checkOptions(options, ['pool', ...runOptionNames], name);
    const { pool = false } = options;
    expectBooleans(name, { pool });
    const list = imagesOf(name, images, options);
    const read = (outputs: EncoderOutputs) => {
      const found = foundIn(outputs, pool);
      if (!found)
        throw new HeedError('UNSUPPORTED', `${name}: this model has no pooler`, {
          culprit: 'pool',
          cure: 'Leave pool out, and take the mean of states, say',
        });
      const dims = found.shape.slice(1);
      return rowsIn(found).map((data) => ({ data, dims }));
    };
    const rows = await runImages(this, list, read, options, { pooler: pool });
    const dims = rows[0]?.dims ?? [];
    const other = rows.find((row) => row.dims.join() !== dims.join());
    if (other)
      throw new HeedError('SHAPE', `${name}: pictures of several sizes have states [${dims}] and [${other.dims}]`, {
        ...{ culprit: 'images', shape: other.dims },
        cure: 'Give them one by one, or with pool: true',
      });
    const shape = [rows.length, ...dims];
    const all = hostFloats(shape);
    for (const [i, { data }] of rows.entries()) all.set(data, i * data.length);
    return new HostTensor('float32', all, shape);
  }
}

/** For `registerTask`. */
export const imageFeatureExtraction: Task<'image-feature-extraction'> = {
  name,
  model: 'facebook/dinov2-small',
  load: ((...given) => ImageFeatureExtractionPipeline.load(...given)) as typeof ImageFeatureExtractionPipeline.load,
};
