/** AutoProcessor: all that stands before a model and behind it, under one name: what reads pictures or hears sounds, and the tokenizer. */
import {
  AudioFeatureExtractor,
  type CallableAudioFeatureExtractor,
  type FeatureOptions,
  type Features,
  hears,
  type Sounds,
} from './audio/feature_extractor.js';
import { checkOptions, HeedError, kindOf } from './errors.js';
import { type CallableImageProcessor, ImageProcessor, type ProcessedImages } from './image/processor.js';
import type { ImageInput, ReadImageOptions } from './image/raw_image.js';
import { folderFor, type Hub, type ModelSource, type SourceOptions, sourceOptionNames } from './io/find.js';
import type { Folder } from './io/folder.js';
import type { JsonObject } from './io/json.js';
import { preprocessorOf } from './io/preprocessor.js';
import type { OpenOptions, Runtime } from './runtime/types.js';
import { batchOptions } from './text/batch.js';
import { type Batch, type BatchOptions, type CallableTokenizer, type DecodeOptions, type IdTensor, Tokenizer } from './text/tokenizer.js';

/** Options of `AutoProcessor.from_pretrained`. */
export interface ProcessorOptions extends SourceOptions, Pick<OpenOptions, 'signal'> {}

/** Options of a call with texts: `padding` and `truncation` are true unless they say otherwise, 'max_length' where the model's class pads so. */
export type ProcessingOptions = Omit<BatchOptions, 'return_tensor'> & ReadImageOptions;

/** A call of a processor. */
export type Processing = {
  /** Sounds as the model hears them. */
  (sounds: Sounds, options?: FeatureOptions): Promise<Features>;
  /** Pictures and texts as the model reads them. */
  (
    images: ImageInput | readonly ImageInput[],
    texts: string | readonly string[],
    options?: ProcessingOptions,
  ): Promise<ProcessedImages & Batch>;
  /** Pictures alone. */
  (images: ImageInput | readonly ImageInput[], texts?: null, options?: ProcessingOptions): Promise<ProcessedImages>;
  /** Texts alone. */
  (images: null, texts: string | readonly string[], options?: ProcessingOptions): Promise<Batch>;
};

/**
 * What a model brings along beside its weights. `AutoProcessor.from_pretrained` gives one that is a function, too.
 * @example
 * ```js
 * const processor = await AutoProcessor.from_pretrained('openai/clip-vit-base-patch32');
 * const inputs = await processor('cat.jpg', ['a cat', 'a dog']); // pixel_values, input_ids, attention_mask
 * ```
 */
export class Processor {
  private constructor(
    /** The settings of what reads pictures or hears sounds. */
    readonly config: JsonObject,
    /** What reads pictures; undefined where the model hears. */
    readonly image_processor: CallableImageProcessor | undefined,
    /** What hears sounds; undefined where the model sees. */
    readonly feature_extractor: CallableAudioFeatureExtractor | undefined,
    /** The model's tokenizer; undefined for a model of pictures alone. */
    readonly tokenizer: CallableTokenizer | undefined,
  ) {}

  /** Reads a folder. Throws NOT_FOUND, FORMAT, UNSUPPORTED for classes that heed does not have, NETWORK. */
  static async load(runtime: Runtime, folder: Folder, options: OpenOptions = {}): Promise<CallableProcessor> {
    const config = await preprocessorOf(folder, ['image_processor', 'feature_extractor'], options);
    const [seen, heard] = hears(config)
      ? [undefined, AudioFeatureExtractor.from(runtime, config)]
      : [ImageProcessor.from(config), undefined];
    const tokenizer = await Tokenizer.load(folder, options, runtime).catch((error: unknown) => {
      // The settings are there, so the folder is: a model of pictures alone has no tokenizer.
      if (error instanceof HeedError && error.code === 'NOT_FOUND') return undefined;
      throw error;
    });
    const made = new Processor(config.value, seen, heard, tokenizer);
    const call = (...given: Parameters<Processor['call']>) => made.call(...given);
    return Object.setPrototypeOf(call, made) as CallableProcessor;
  }

  /** What a call does. Rejects with ARGUMENT, UNSUPPORTED for texts where the model has no tokenizer, what is wrong with a picture or sound, or `signal.reason`. */
  async call(
    given: Sounds | ImageInput | readonly ImageInput[] | null,
    texts?: string | readonly string[] | null | FeatureOptions,
    options: ProcessingOptions = NOTHING,
  ): Promise<Features | Partial<ProcessedImages & Batch>> {
    const { image_processor: see, feature_extractor: hear } = this;
    if (hear) {
      if (options !== NOTHING)
        throw new HeedError('ARGUMENT', 'The processor is given three arguments, and a sound has no texts beside it', {
          culprit: 'options',
          cure: 'The sound comes first, then options',
        });
      return hear(given as Sounds, (texts ?? undefined) as FeatureOptions | undefined);
    }
    checkOptions(options, [...batchOptions, 'maxPixels', 'signal'], 'The processor');
    const isText = texts === undefined || texts === null || typeof texts === 'string' || Array.isArray(texts);
    if (!isText)
      throw new HeedError('ARGUMENT', `The processor is given ${kindOf(texts)} for texts`, {
        culprit: 'texts',
        cure: 'Pictures come first, then texts or null, then options',
      });
    if ((given ?? texts ?? undefined) === undefined)
      throw new HeedError('ARGUMENT', 'The processor is given neither pictures nor texts', {
        culprit: 'images',
        cure: 'Pictures come first, then texts; null in place of either leaves it out',
      });
    const { maxPixels, signal, ...own } = options;
    const seen =
      given === null || given === undefined ? {} : await (see as CallableImageProcessor)(given as ImageInput, { maxPixels, signal });
    if (texts === undefined || texts === null) return seen;
    const padding = MOST_PADDED.test(String(this.config.processor_class)) ? 'max_length' : true;
    return { ...seen, ...this.words(texts as string | readonly string[], { padding, truncation: true, ...own }) };
  }

  /** Texts of rows of ids, as the tokenizer has them. */
  batch_decode(ids: Iterable<Iterable<number | bigint>> | IdTensor, options?: DecodeOptions): string[] {
    return this.words.batch_decode(ids, options);
  }

  /** The text of ids, as the tokenizer has it. */
  decode(ids: Iterable<number | bigint> | IdTensor, options?: DecodeOptions): string {
    return this.words.decode(ids, options);
  }

  private get words(): CallableTokenizer {
    if (this.tokenizer) return this.tokenizer;
    throw new HeedError('UNSUPPORTED', 'The model reads no texts: its folder has no tokenizer', {
      culprit: 'tokenizer',
      cure: 'Give pictures alone',
    });
  }
}

/** Options of a call that has none. */
const NOTHING: ProcessingOptions = {};

/** Classes whose models were trained on texts that are padded to the most tokens. */
const MOST_PADDED = /^Siglip/;

/** A processor, which is a function. */
export type CallableProcessor = Omit<Processor, 'call'> & Processing;

/** Loader of processors. */
export interface AutoProcessor {
  /** Reads a model's preprocessor_config.json, or processor_config.json, and its tokenizer. Rejects with NOT_FOUND, FORMAT, UNSUPPORTED, NETWORK, or `signal.reason`. */
  from_pretrained(model: ModelSource, options?: ProcessorOptions): Promise<CallableProcessor>;
}

/** `AutoProcessor` on a runtime. */
export const bindProcessor = (runtime: Runtime, hub?: Hub): AutoProcessor => ({
  async from_pretrained(model, options = {}) {
    checkOptions(options, ['signal', ...sourceOptionNames], 'from_pretrained');
    const { signal, ...where } = options;
    return Processor.load(runtime, await folderFor(runtime, model, { ...where, signal }, hub), { signal });
  },
});
