/** Image processors: pictures to the numbers that a model reads, as its preprocessor_config.json says. Equal to transformers' own, on Pillow, in every bit. */
import type { Engine } from '../engine/engine.js';
import { planes_f32 } from '../engine/kernels.generated.js';
import { checkOptions, HeedError } from '../errors.js';
import { HostTensor } from '../host/tensor.js';
import type { Folder } from '../io/folder.js';
import type { JsonNode, JsonObject } from '../io/json.js';
import { preprocessorOf } from '../io/preprocessor.js';
import type { OpenOptions } from '../runtime/types.js';
import { Tensor, tensor } from '../tensor.js';
import { imageHome } from './home.js';
import { type ImageProcessorConfig, imageProcessorConfig } from './processor_config.js';
import { type ImageInput, RawImage, type ReadImageOptions } from './raw_image.js';
import { pixelsIn, resample } from './resample.js';
import { exact, multiplesSize, resizedSize, type Size } from './sizes.js';

/** Pictures as a model reads them. */
export interface ProcessedImages {
  /** Numbers, float32 [B, 3, H, W]. */
  pixel_values: HostTensor<Float32Array>;
  /** Where pictures were padded to the largest of a batch: 1 for their own pixels, int64 [B, H, W]. */
  pixel_mask?: HostTensor<BigInt64Array>;
  /** Height and width of each picture as it was given. */
  original_sizes: Size[];
  /** Height and width of each picture before the batch was padded. */
  reshaped_input_sizes: Size[];
}

/** An image processor that is a function, too: `await processor(images)` is `processor.process(images)`. */
export type CallableImageProcessor = ImageProcessor & ImageProcessor['process'];

/** Makes pictures into `pixel_values`, by the settings of a model's preprocessor_config.json. `AutoImageProcessor.from_pretrained` returns one that is called as a function. */
export class ImageProcessor {
  readonly #tables: Float32Array;
  readonly #steps: ImageProcessorConfig;

  constructor(
    /** Contents of preprocessor_config.json. */
    readonly config: JsonObject,
    steps: ImageProcessorConfig,
    /** Path or address of preprocessor_config.json, for messages. */
    readonly file: string,
  ) {
    this.#steps = steps;
    this.#tables = tablesOf(steps);
  }

  /** Reads a folder's preprocessor_config.json. Rejects with NOT_FOUND, FORMAT, UNSUPPORTED for another kind of processor, NETWORK, or `signal.reason`. */
  static async load(folder: Folder, options: OpenOptions = {}): Promise<CallableImageProcessor> {
    return ImageProcessor.from(await preprocessorOf(folder, ['image_processor'], options));
  }

  /** Makes a processor of the contents of a preprocessor_config.json. Throws FORMAT, UNSUPPORTED. */
  static from(node: JsonNode): CallableImageProcessor {
    const made = new ImageProcessor(node.value, imageProcessorConfig(node), node.file);
    const call = (images: ImageInput | readonly ImageInput[], options?: ReadImageOptions) => made.process(images, options);
    const { config, file } = made;
    const [run, prepared] = [made.run.bind(made), made.prepared.bind(made)];
    return Object.assign(call, { config, file, process: call, run, prepared }) as CallableImageProcessor;
  }

  /**
   * Reads pictures, and makes the numbers of a batch. Rejects as RawImage.read does, and with SHAPE where pictures become different sizes and the model has no padding.
   */
  async process(images: ImageInput | readonly ImageInput[], options: ReadImageOptions = {}): Promise<ProcessedImages> {
    checkOptions(options, ['maxPixels', 'signal'], 'An image processor');
    const list: readonly ImageInput[] = Array.isArray(images) ? images : [images as ImageInput];
    if (list.length === 0) throw new HeedError('ARGUMENT', 'There are no pictures', { culprit: 'images', cure: 'Give one or more' });
    const read: RawImage[] = [];
    for (const image of list) read.push(await RawImage.read(image, options));
    return this.run(await imageHome().engine(), read);
  }

  /** Makes the numbers of pictures that are read already, on an engine. Throws SHAPE, MEMORY. */
  run(engine: Engine, images: readonly RawImage[]): ProcessedImages {
    const ready = images.map((image) => this.prepared(engine, image));
    const sizes = ready.map(({ height, width }) => [height, width] as const);
    const { pad, padSize, divisor } = this.#steps;
    const [first = [0, 0] as Size] = sizes;
    let [H, W] = first;
    if (pad === 'around') [H, W] = [Math.ceil(H / divisor) * divisor, Math.ceil(W / divisor) * divisor];
    if (padSize) [H, W] = exact(this.file, padSize, 'pad_size');
    else if (pad === 'batch') [H, W] = [Math.max(...sizes.map(([h]) => h)), Math.max(...sizes.map(([, w]) => w))];
    const odd = sizes.find(([h, w]) => (pad === 'batch' ? h > H || w > W : h !== first[0] || w !== first[1]));
    if (odd)
      throw new HeedError('SHAPE', `A picture becomes ${odd[0]} x ${odd[1]} pixels beside one of ${first[0]} x ${first[1]}`, {
        culprit: 'images',
        shape: odd,
        cure: 'Process pictures of different sizes one at a time',
      });
    const values = new Float32Array(images.length * 3 * H * W);
    for (const [b, image] of ready.entries()) {
      const start = pad === 'around' ? ((H - image.height) >> 1) * W + ((W - image.width) >> 1) : 0;
      enter(values.subarray(b * 3 * H * W, (b + 1) * 3 * H * W), this.#planes(engine, image), image, W, start);
    }
    return {
      pixel_values: new HostTensor('float32', values, [images.length, 3, H, W]),
      ...(pad === 'batch' && { pixel_mask: maskOf(sizes, H, W) }),
      original_sizes: images.map(({ height, width }) => [height, width] as const),
      reshaped_input_sizes: sizes,
    };
  }

  /** The picture as the model sees it, before its bytes are numbers: resized, cut and mirrored. Throws MEMORY. */
  prepared(engine: Engine, given: RawImage): RawImage {
    const { size, crop, cropShare, resample: filter, keepsRatio, multiple, pad, divisor, flips, kind } = this.#steps;
    let image = given.channels === 3 ? given : given.clone().rgb();
    const to = (height: number, width: number) => {
      image = new RawImage(resample(engine, image, width, height, filter), width, height, 3);
    };
    const now = (): Size => [image.height, image.width];
    if (size && cropShare !== undefined && size.shortest_edge) {
      // ConvNeXt's: small models look at the middle, large ones at all, squeezed.
      const edge = size.shortest_edge;
      if (edge < 384) {
        to(...resizedSize(this.file, now(), { shortest_edge: Math.trunc(edge / cropShare) }));
        image = image.centered(edge, edge);
      } else to(edge, edge);
    } else if (size && kind === 'DPT') to(...multiplesSize(now(), exact(this.file, size), keepsRatio, multiple));
    else if (size) to(...resizedSize(this.file, now(), size, multiple));
    if (crop) {
      const [height, width] = exact(this.file, crop, 'crop_size');
      image = image.centered(width, height);
    }
    if (pad === 'mirror') image = mirrored(image, divisor);
    return flips ? flipped(image) : image;
  }

  /** The picture's numbers, [3, H, W]. */
  #planes(engine: Engine, { data, width, height }: RawImage): Float32Array {
    const n = width * height;
    return engine.scope(() => {
      const [x, table] = [pixelsIn(engine, data), tensor(engine, this.#tables)];
      const y = Tensor.empty(engine, [3, n]);
      engine.launch(planes_f32({ tiles: 3, work: 3 * n, y: y.ptr, x: x.ptr, table: table.ptr, n, C: 3 }));
      return y.toHost().data as Float32Array;
    });
  }
}

/** Numbers of each channel's 256 bytes, [3, 256], rounded to float32 where transformers rounds. */
function tablesOf({ rescale, normal }: ImageProcessorConfig): Float32Array {
  const f = Math.fround;
  return Float32Array.from({ length: 3 * 256 }, (_, i) => {
    const [channel, byte] = [i >> 8, i & 255];
    const value = f(rescale === undefined ? byte : byte * rescale);
    return normal ? f(f(value - f(normal.mean[channel] as number)) / f(normal.std[channel] as number)) : value;
  });
}

/** Copies planes [3, h, w] into larger ones of width W, from a pixel on. */
function enter(values: Float32Array, planes: Float32Array, { width, height }: RawImage, W: number, start: number): void {
  const plane = values.length / 3;
  for (let c = 0; c < 3; c++)
    for (let y = 0; y < height; y++)
      values.set(planes.subarray((c * height + y) * width, (c * height + y + 1) * width), c * plane + y * W + start);
}

function maskOf(sizes: readonly Size[], H: number, W: number): HostTensor<BigInt64Array> {
  const mask = new BigInt64Array(sizes.length * H * W);
  for (const [b, [h, w]] of sizes.entries()) for (let y = 0; y < h; y++) mask.fill(1n, (b * H + y) * W, (b * H + y) * W + w);
  return new HostTensor('int64', mask, [sizes.length, H, W]);
}

/** Adds mirrored pixels below and at the right, to the next multiple: one more where an edge is a multiple already, as Swin2SR was trained. */
function mirrored(image: RawImage, divisor: number): RawImage {
  const { width, height, data } = image;
  const [W, H] = [width, height].map((edge) => (Math.floor(edge / divisor) + 1) * divisor) as [number, number];
  const back = (i: number, edge: number) => {
    const turn = i % (2 * edge);
    return turn < edge ? turn : 2 * edge - 1 - turn;
  };
  const out = new Uint8ClampedArray(W * H * 3);
  for (let y = 0, o = 0; y < H; y++)
    for (let x = 0, row = back(y, height) * width; x < W; x++)
      for (let c = 0, i = (row + back(x, width)) * 3; c < 3; c++) out[o++] = data[i + c] as number;
  return new RawImage(out, W, H, 3);
}

/** The same picture with blue first. */
function flipped({ data, width, height }: RawImage): RawImage {
  const out = new Uint8ClampedArray(data.length);
  for (let i = 0; i < data.length; i += 3) for (let c = 0; c < 3; c++) out[i + c] = data[i + 2 - c] as number;
  return new RawImage(out, width, height, 3);
}
