/** Shared parts of pipelines that read pictures: loading a model beside its image processor, and pictures through a model in batches. */
import type { Engine, EngineInfo } from '../engine/engine.js';
import { HeedError } from '../errors.js';
import { type CallableImageProcessor, ImageProcessor } from '../image/processor.js';
import { type ImageInput, RawImage } from '../image/raw_image.js';
import { type Folder, folderOf } from '../io/folder.js';
import type { AnyEncoder, EncoderOutputs, EncoderWants } from '../models/base_encoder.js';
import { checkPretrained, type PretrainedOptions } from '../models/options.js';
import { withRoom } from '../models/room.js';
import type { HostTensor, Tensor } from '../tensor.js';
import { checkRunOptions, type RunOptions } from './rows.js';
import { loadAll } from './text.js';

/** Pixels of all pictures of a batch. */
const BATCH_PIXELS = 1 << 20;

/** A model that pictures are run through. */
export interface SeesImages {
  readonly engine: Engine;
  readonly encoder: AnyEncoder;
  readonly info: EngineInfo;
  run<T>(steps: () => Generator<unknown, T>, signal: AbortSignal | undefined): Promise<T>;
  dispose(): void;
}

/** An image processor and a model, with which a task is done. */
export abstract class ImagePipeline<Model extends SeesImages> {
  /** The task that `pipeline` was asked for. */
  declare readonly task: string;
  /** Kind of its first argument: files may be given by addresses. */
  readonly reads = 'files';

  constructor(
    /** What makes pixels of pictures, as the model wants them. */
    readonly processor: CallableImageProcessor,
    /** The model. */
    readonly model: Model,
  ) {}

  /** Features of the engine that runs the pipeline. */
  get info(): EngineInfo {
    return this.model.info;
  }

  /** Frees the model's weights. */
  dispose(): void {
    this.model.dispose();
  }
}

/** Loads a model beside its image processor, and makes a pipeline of them. */
export async function loadImages<M extends { dispose(): void }, Made>(
  kind: { load(engine: Engine, folder: Folder, options: PretrainedOptions): Promise<M> },
  engine: Engine,
  from: string | Folder,
  options: PretrainedOptions,
  make: (processor: CallableImageProcessor, model: M) => Made,
): Promise<Made> {
  checkPretrained(options);
  const folder = folderOf(engine.runtime, from);
  const [model, processor] = await loadAll(kind.load(engine, folder, options), ImageProcessor.load(folder, { signal: options.signal }));
  try {
    return make(processor, model);
  } catch (error) {
    model.dispose();
    throw error;
  }
}

/** One picture or several, as a list. Throws ARGUMENT for none. */
export function imagesOf<Image>(task: string, images: Image | readonly Image[], options: RunOptions): readonly Image[] {
  checkRunOptions(task, options);
  if (images !== undefined && images !== null) return Array.isArray(images) ? images : [images as Image];
  throw new HeedError('ARGUMENT', `${task}: there is no picture`, {
    culprit: 'images',
    cure: 'Give a path, an address, bytes or a RawImage',
  });
}

/** A picture as the model reads it, and how large it was. */
export interface Seen {
  pixels: HostTensor;
  width: number;
  height: number;
}

/**
 * What `read` makes of each picture, in their order. It is called once for a batch, while its tensors are there, and gives one result for each picture. Rejects with what reading
 * pictures rejects with, NUMERIC, and `signal.reason`.
 */
export async function runImages<Result>(
  { model, processor }: { model: SeesImages; processor: CallableImageProcessor },
  images: readonly ImageInput[],
  read: (outputs: EncoderOutputs, pictures: readonly Seen[]) => readonly Result[],
  { signal, onProgress }: RunOptions = {},
  wants: EncoderWants = {},
): Promise<Result[]> {
  const { encoder, engine } = model;
  const results: Result[] = [];
  let batch: Seen[] = [];
  const flush = async () => {
    if (batch.length === 0) return;
    const pictures = batch;
    batch = [];
    const inputs = encoder.read({ pixel_values: stacked(pictures) });
    const found = await model.run(function* () {
      return read(yield* withRoom(engine, inputs.shape, () => encoder.steps(inputs, wants), 'pixel_values'), pictures);
    }, signal);
    results.push(...found);
    onProgress?.(results.length, images.length);
  };
  for (const image of images) {
    const picture = await seen(model, processor, image, signal);
    const [first] = batch;
    const room = first ? BATCH_PIXELS / (first.pixels.data.length / 3) : 1;
    if (first && (batch.length >= room || first.pixels.dims.join() !== picture.pixels.dims.join())) await flush();
    batch.push(picture);
  }
  await flush();
  return results;
}

async function seen(
  { engine }: SeesImages,
  processor: CallableImageProcessor,
  image: ImageInput,
  signal: AbortSignal | undefined,
): Promise<Seen> {
  const read = await RawImage.read(image, { signal });
  const { pixel_values } = processor.run(engine, [read]);
  await engine.turn(signal);
  return { pixels: pixel_values, width: read.width, height: read.height };
}

/** Pictures of one size, one after the other: [B, c, H, W]. */
function stacked(pictures: readonly Seen[]): { data: Float32Array; dims: number[] } {
  const [{ pixels }] = pictures as [Seen];
  const data = new Float32Array(pictures.length * pixels.data.length);
  for (const [i, picture] of pictures.entries()) data.set(picture.pixels.data as Float32Array, i * pixels.data.length);
  return { data, dims: [pictures.length, ...pixels.dims.slice(1)] };
}

/** Numbers of each of B rows of x [B, …], which nobody else holds. */
export function rowsIn(x: Tensor): Float32Array[] {
  const data = x.toHost().data as Float32Array;
  const width = data.length / Math.max(1, x.dim(0));
  return Array.from({ length: x.dim(0) }, (_, b) => data.subarray(b * width, (b + 1) * width));
}
