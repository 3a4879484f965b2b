/** pipeline('zero-shot-image-classification'): pictures to labels that are made up on the spot, by an encoder of texts and pictures, in transformers.js's shapes. */
import type { Engine } from '../engine/engine.js';
import { checkOptions, HeedError } from '../errors.js';
import type { CallableImageProcessor } from '../image/processor.js';
import type { ImageInput } from '../image/raw_image.js';
import { type Folder, folderOf } from '../io/folder.js';
import type { EncoderOutputs } from '../models/base_encoder.js';
import { callable } from '../models/callable.js';
import type { DualEncoder } from '../models/dual_encoder.js';
import { EncoderModel, type Model } from '../models/model.js';
import type { PretrainedOptions } from '../models/options.js';
import type { Tensor } from '../tensor.js';
import { type CallableTokenizer, Tokenizer } from '../text/tokenizer.js';
import { ImagePipeline, imagesOf, loadImages, rowsIn, runImages } from './images.js';
import { type RunOptions, runOptionNames } from './rows.js';
import { type Classification, ranked, sigmoid, softmax } from './scores.js';
import type { Task } from './tasks.js';
import { loadAll, stringsOf, wrong } from './text.js';

/** Options of a call of zero-shot-image-classification. */
export interface ZeroShotImageClassificationOptions extends RunOptions {
  /** The text of a label, which {} stands for. Default 'This is a photo of {}'. */
  hypothesis_template?: string | undefined;
}

/** A list of labels for a picture, a list of such lists for a list of pictures. */
export type ZeroShotImageClassification = ZeroShotImageClassificationPipeline & ZeroShotImageClassificationPipeline['call'];

const name = 'zero-shot-image-classification';

/**
 * Which of some labels fit a picture, by CLIP or SigLIP: with CLIP the scores of all labels add up to 1, with SigLIP each is a probability for itself.
 * @example
 * ```js
 * const classify = await pipeline('zero-shot-image-classification', 'openai/clip-vit-base-patch32');
 * const [{ label, score }] = await classify('pet.jpg', ['a cat', 'a dog']);
 * ```
 */
export class ZeroShotImageClassificationPipeline extends ImagePipeline<Model> {
  /** Arguments of a call before its options. */
  readonly inputs = 2;

  constructor(
    processor: CallableImageProcessor,
    model: Model,
    /** The model's tokenizer. */
    readonly tokenizer: CallableTokenizer,
  ) {
    super(processor, model);
    if (!this.#encoder.scores)
      throw new HeedError('MODEL_MISMATCH', `${name}: this model reads no texts beside pictures`, {
        culprit: 'model',
        cure: 'Give a CLIP or a SigLIP',
      });
  }

  get #encoder(): DualEncoder {
    return this.model.encoder as unknown as DualEncoder;
  }

  /** Loads a model's folder. `pipeline` does it. */
  static async load(engine: Engine, from: string | Folder, options: PretrainedOptions = {}): Promise<ZeroShotImageClassification> {
    const folder = folderOf(engine.runtime, from);
    const tokenizer = Tokenizer.load(folder, { signal: options.signal }, engine.runtime);
    const both = {
      load: async (...given: Parameters<typeof EncoderModel.load>) => (await loadAll(EncoderModel.load(...given), tokenizer))[0],
    };
    const made = await loadImages(both, engine, folder, options, (processor, model) => ({ processor, model }));
    try {
      return callable(new ZeroShotImageClassificationPipeline(made.processor, made.model, await tokenizer));
    } catch (error) {
      made.model.dispose();
      throw error;
    }
  }

  /** The labels of a picture, the likeliest first. Rejects with what reading it rejects with, ARGUMENT, NUMERIC, or `signal.reason`. */
  call(
    images: ImageInput,
    candidate_labels: string | readonly string[],
    options?: ZeroShotImageClassificationOptions,
  ): Promise<Classification[]>;
  /** Those of each picture. */
  call(
    images: readonly ImageInput[],
    candidate_labels: string | readonly string[],
    options?: ZeroShotImageClassificationOptions,
  ): Promise<Classification[][]>;
  async call(
    images: ImageInput | readonly ImageInput[],
    candidate_labels: string | readonly string[],
    options: ZeroShotImageClassificationOptions = {},
  ): Promise<Classification[] | Classification[][]> {
    checkOptions(options, ['hypothesis_template', ...runOptionNames], name);
    const { hypothesis_template: template = 'This is a photo of {}', signal } = options;
    if (typeof template !== 'string' || !template.includes('{}'))
      throw wrong(name, 'hypothesis_template', template, 'It must have {} where the label goes');
    const list = imagesOf(name, images, options);
    const labels = stringsOf(name, 'candidate_labels', candidate_labels);
    if (!labels.length) throw new HeedError('ARGUMENT', `${name}: there are no labels`, { culprit: 'candidate_labels', cure: 'Give some' });
    const scores = this.#encoder.scores as NonNullable<DualEncoder['scores']>; // the constructor has seen to it
    const texts = await this.#vectors(
      labels.map((label) => template.replace('{}', () => label)),
      signal,
    );
    const read = ({ named }: EncoderOutputs) =>
      rowsIn(named?.image_embeds as Tensor).map((image) => texts.map((text) => scores.of(dot(text, image))));
    const rows = await runImages(this, list, read, options);
    const apply = scores.apart ? sigmoid : softmax;
    const found = rows.map((row) => ranked(apply(row), labels));
    return Array.isArray(images) ? found : (found[0] as Classification[]);
  }

  /** Vectors of texts, of length 1. */
  async #vectors(texts: readonly string[], signal: AbortSignal | undefined): Promise<Float32Array[]> {
    const encoder = this.#encoder;
    const { positions, padded } = encoder.texts;
    const tokens = this.tokenizer(texts as string[], { padding: padded ? 'max_length' : true, truncation: true, max_length: positions });
    const { input_ids, attention_mask } = tokens;
    const inputs = encoder.read(padded ? { input_ids } : { input_ids, attention_mask });
    return this.model.run(function* () {
      const { named } = yield* encoder.steps(inputs);
      return rowsIn(named?.text_embeds as Tensor);
    }, signal);
  }
}

const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, x, i) => sum + x * (b[i] as number), 0);

/** For `registerTask`. */
export const zeroShotImageClassification: Task<'zero-shot-image-classification'> = {
  name,
  model: 'openai/clip-vit-base-patch32',
  load: ((...given) => ZeroShotImageClassificationPipeline.load(...given)) as typeof ZeroShotImageClassificationPipeline.load,
};
