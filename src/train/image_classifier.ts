/**
 * Fine-tuning a classifier of pictures with one call: `fit` reads each picture when its batch is due, by the model's image processor, so that memory is a batch's, and trains
 * as classifier_fit.ts does. For more control use the Trainer and the `imageClassification` objective.
 */
import type { Engine } from '../engine/engine.js';
import { RawImage } from '../image/raw_image.js';
import type { ImageInput } from '../image/source.js';
import type { Folder } from '../io/folder.js';
import { callable } from '../models/callable.js';
import { type ClassifierOptions, classifierOptionNames, loadTask } from '../models/task_model.js';
import { ImageClassifier, imageClassifierMethods, type LoadedImageClassifier } from '../pipelines/image_classifier.js';
import { located } from './batches.js';
import { type ExampleReader, type FitClassifierOptions, fitClassifier, wrong } from './classifier_fit.js';
import { DataLoader } from './data/loader.js';
import type { FitResult } from './fit.js';
import type { LabelledImages } from './objectives/numbers.js';
import type { ExampleLabel, Problem } from './problem.js';

/** A picture and its label: by name, or by number; all of its labels, or numbers, where the model is for that. */
export interface ImageExample {
  /** The picture, which is read anew in every epoch: a path or an address, a Blob, bytes, pixels, a RawImage. */
  image: ImageInput;
  /** Correct label of the picture. */
  label: ExampleLabel;
}

/** Options of an image classifier's `fit`. */
export interface ImageClassifierFitOptions extends FitClassifierOptions<ImageExample> {}

/** A classifier of pictures that can be trained. In a page the model runs in a worker, and so does its training. */
export type ImageClassifierModel = LoadedImageClassifier & Pick<TrainableImageClassifier, 'fit'>;

/** A picture that is not read yet. */
interface Row {
  image: ImageInput;
  labels: readonly number[];
  /** Its place, for messages. */
  where: string;
}

export class TrainableImageClassifier extends ImageClassifier {
  static readonly optionNames = classifierOptionNames;

  /** Loads a folder's config.json and weights. Throws MODEL_MISMATCH for a checkpoint without a head, unless it is to be trained. */
  static override async load(engine: Engine, folder: string | Folder, options: ClassifierOptions = {}): Promise<ImageClassifierModel> {
    const model = new TrainableImageClassifier(...(await loadTask('ImageClassification', engine, folder, options)));
    return callable(model, ['fit', ...imageClassifierMethods]) as ImageClassifierModel;
  }

  /**
   * Trains on examples; the model then is out of training, and classifies. Rejects as the Trainer's `fit` does, as RawImage.read does, with ARGUMENT for examples that are
   * none, and with `signal.reason`; what was learned until then stays.
   * @example await model.fit([{ image: 'cat.jpg', label: 'cat' }], { freeze: true, lr: 1e-3, onLog: console.log })
   */
  fit(examples: readonly ImageExample[], options: ImageClassifierFitOptions = {}): Promise<FitResult> {
    const open = () => this.#open(options);
    return this.alive(() => fitClassifier(this, examples, options, { optionNames: [], form: "{ image: '…', label: '…' }", open }));
  }

  async #open({ signal }: ImageClassifierFitOptions): Promise<ExampleReader<ImageExample, Row>> {
    const { engine } = this;
    const processor = await this.processor(signal);
    const collate = async (rows: readonly Row[], problem: Problem): Promise<LabelledImages<Int32Array | Float32Array>> => {
      const images: RawImage[] = [];
      for (const { image, where } of rows) {
        const reading = RawImage.read(image, { signal });
        images.push(await reading.catch((error: unknown) => Promise.reject(located(error, where))));
        await engine.turn(signal);
      }
      const { data, dims } = processor.run(engine, images).pixel_values;
      return { pixels: { data, dims }, labels: problem.pack(rows.map(({ labels }) => labels)) };
    };
    return {
      rows: async (name, examples, labelsOf) =>
        examples.map((example, i) => {
          const { image, label } = Object(example) as Partial<ImageExample>;
          if (image === undefined || image === null)
            throw wrong(name, `example ${i} of ${name} has no image`, "Give { image: '…', label: '…' }");
          return { image, labels: labelsOf(label, i), where: `Example ${i} of ${name}` };
        }),
      batches: (rows, options, problem) => new DataLoader(rows, { ...options, collate: (batch) => collate(batch, problem) }),
    };
  }
}
