/** pipeline('image-to-image'): pictures to larger or better ones, of any size, in tiles. */
import type { Engine } from '../engine/engine.js';
import { checkOptions, HeedError } from '../errors.js';
import { blank, type ImageInput, RawImage } from '../image/raw_image.js';
import { resample } from '../image/resample.js';
import type { Folder } from '../io/folder.js';
import { callable } from '../models/callable.js';
import type { PretrainedOptions } from '../models/options.js';
import { withRoom } from '../models/room.js';
import { type ImageReconstructor, ImageToImageModel } from '../models/task_model.js';
import type { Tensor } from '../tensor.js';
import { ImagePipeline, imagesOf, loadImages } from './images.js';
import { partsOf, type RunOptions, runOptionNames } from './rows.js';
import type { Task } from './tasks.js';
import { wrong } from './text.js';
import { Mosaic, type Planes, tilesOf } from './tiles.js';

/** Options of a call of image-to-image. */
export interface ImageToImageOptions extends RunOptions {
  /** Pixels of a tile's side, 8 at least: a picture that is larger goes through the model in tiles. Default 120, of which processors make 128. */
  tile?: number | undefined;
  /** Pixels by which tiles overlap at least, up to half a tile. Default 16, or half a smaller tile. */
  overlap?: number | undefined;
}

/** A picture of a picture, a list of them for a list. */
export type ImageToImage = ImageToImagePipeline & ImageToImagePipeline['call'];

const name = 'image-to-image';

/** Pixels of a tile's side at least, and unless otherwise asked for: the next eights are what Swin2SR's processor pads to. */
const [LEAST, TILE, OVERLAP] = [8, 120, 16];

/**
 * Pictures made larger, or better.
 * @example
 * ```js
 * const upscale = await pipeline('image-to-image', 'caidas/swin2SR-classical-sr-x2-64');
 * const large = await upscale('small.jpg');
 * await large.save('large.png');
 * ```
 */
export class ImageToImagePipeline extends ImagePipeline<ImageReconstructor> {
  /** Loads a model's folder. `pipeline` does it. */
  static async load(engine: Engine, from: string | Folder, options: PretrainedOptions = {}): Promise<ImageToImage> {
    return loadImages(ImageToImageModel, engine, from, options, (processor, model) => callable(new ImageToImagePipeline(processor, model)));
  }

  /**
   * The picture that the model makes of one, as many times as large as the model says. Opacity is resized beside. `onProgress` counts pictures, and what is done of one as a share. Rejects
   * with what reading it rejects with, ARGUMENT, MEMORY, NUMERIC, or `signal.reason`.
   */
  call(images: ImageInput, options?: ImageToImageOptions): Promise<RawImage>;
  /** Those of each picture. */
  call(images: readonly ImageInput[], options?: ImageToImageOptions): Promise<RawImage[]>;
  async call(images: ImageInput | readonly ImageInput[], options: ImageToImageOptions = {}): Promise<RawImage | RawImage[]> {
    checkOptions(options, ['tile', 'overlap', ...runOptionNames], name);
    const { tile = TILE, overlap = Math.min(OVERLAP, Math.floor(tile / 2)), signal, onProgress } = options;
    if (!(Number.isSafeInteger(tile) && tile >= LEAST)) throw wrong(name, 'tile', tile, `It is a whole number of pixels from ${LEAST} on`);
    if (!(Number.isSafeInteger(overlap) && overlap >= 0 && overlap <= tile / 2))
      throw wrong(name, 'overlap', overlap, `It is a whole number of pixels, up to half a tile of ${tile}`);
    const list = imagesOf(name, images, options);
    const made: RawImage[] = [];
    for (const image of list) {
      const read = await RawImage.read(image, { signal });
      made.push(await this.#made(read, tile, overlap, signal, (share) => onProgress?.(made.length + share, list.length)));
    }
    return Array.isArray(images) ? made : (made[0] as RawImage);
  }

  async #made(
    image: RawImage,
    tile: number,
    overlap: number,
    signal: AbortSignal | undefined,
    told: (share: number) => void,
  ): Promise<RawImage> {
    const { width, height } = image;
    const { times } = this.model.encoder.choices;
    const [rows, columns] = [height, width].map((edge) => tilesOf(edge, tile, overlap, times)) as [Tiles, Tiles];
    const [tall, wide] = [Math.min(height, tile), Math.min(width, tile)];
    let mosaic: Mosaic | undefined;
    for (const [r, { start: top, weights: down }] of rows.entries()) {
      for (const [i, { start: left, weights: across }] of columns.entries()) {
        const done = r * columns.length + i;
        const planes = await this.#planes(image.framed(left, top, wide, tall), signal, (share) =>
          told((done + share) / (rows.length * columns.length)),
        );
        const [channels] = planes.dims;
        mosaic ??= new Mosaic(blank(width * times, height * times, channels), width * times, channels, tall * times);
        mosaic.add(planes, left * times, down, across);
      }
      mosaic?.finish((rows[r + 1]?.start ?? height) * times);
    }
    const { bytes, channels } = mosaic as Mosaic; // every picture has a tile
    const whole = new RawImage(bytes, width * times, height * times, channels as 1 | 3);
    return image.channels === 4 ? withOpacity(this.model.engine, whole, image) : whole;
  }

  /** What the model makes of a tile; blocks tell how far it is. */
  async #planes(tile: RawImage, signal: AbortSignal | undefined, told: (share: number) => void): Promise<Planes> {
    const { model, processor } = this;
    const { encoder, engine } = model;
    const { times } = encoder.choices;
    const { pixel_values } = processor.run(engine, [tile]);
    const inputs = encoder.read({ pixel_values });
    let blocks = 0;
    const planes = await model.run(function* () {
      const { logits } = yield* counted(
        withRoom(engine, inputs.shape, () => encoder.steps(inputs), 'pixel_values'),
        // The head's convolutions come behind the last block.
        () => told(Math.min(++blocks / encoder.dims.L, 1) * 0.9),
      );
      const [data] = partsOf(logits as Tensor, 'reconstruction') as [Float32Array];
      return { data, dims: (logits as Tensor).shape.slice(1) as unknown as Planes['dims'] };
    }, signal);
    told(1);
    const [, H, W] = planes.dims;
    if (H >= tile.height * times && W >= tile.width * times) return planes;
    throw new HeedError('MODEL_MISMATCH', `${name}: the image processor makes pictures smaller`, {
      ...{ culprit: 'preprocessor_config.json', shape: planes.dims },
      cure: 'Use the one of the model, which pads',
    });
  }
}

/** The same steps, each of which is told. */
function* counted<T>(steps: Generator<void, T>, told: () => void): Generator<void, T> {
  try {
    for (;;) {
      const { done, value } = steps.next();
      if (done) return value;
      told();
      yield;
    }
  } finally {
    steps.return(undefined as never);
  }
}

type Tiles = ReturnType<typeof tilesOf>;

/** A picture with the opacity of another, resized. */
function withOpacity(engine: Engine, picture: RawImage, { data, width, height }: RawImage): RawImage {
  const opacity = Uint8ClampedArray.from({ length: width * height }, (_, i) => data[4 * i + 3] as number);
  const resized = resample(engine, { data: opacity, width, height, channels: 1 }, picture.width, picture.height, 'bicubic');
  const made = picture.rgba();
  for (const [i, alpha] of resized.entries()) made.data[4 * i + 3] = alpha;
  return made;
}

/** For `registerTask`. */
export const imageToImage: Task<'image-to-image'> = {
  name,
  model: 'caidas/swin2SR-classical-sr-x2-64',
  load: ((...given) => ImageToImagePipeline.load(...given)) as typeof ImageToImagePipeline.load,
};
