/**
 * Encoders with a task's head as users call them: AutoModelFor…(TokenClassification, QuestionAnswering, MaskedLM). The table below has the differences of tasks; a
 * SequenceClassification has more, in sequence_classifier.ts.
 */
import type { Engine } from '../engine/engine.js';
import { HeedError, kindOf } from '../errors.js';
import type { Folder } from '../io/folder.js';
import type { JsonObject } from '../io/json.js';
import { expectBooleans } from '../ops/check.js';
import { HostTensor } from '../tensor.js';
import type { Task } from './architecture.js';
import type { EncoderOutputs } from './base_encoder.js';
import { callable } from './callable.js';
import type { Encoder } from './encoder.js';
import { headFor } from './heads.js';
import type { ImageEncoder } from './image_encoder.js';
import type { ModelInputs, PixelInputs, SampleInputs } from './inputs.js';
import { configWith, type LabelOptions, type ProblemType, problemTypes } from './labels.js';
import { EncoderBase, type Insights, type ModelCall } from './model.js';
import { checkPretrained, type TrainableOptions, trainableOptionNames } from './options.js';
import { loadPretrained } from './pretrained.js';
import type { PyramidEncoder } from './pyramid_encoder.js';
import type { QueryEncoder } from './query_encoder.js';
import type { Origin } from './save.js';
import type { SoundEncoder } from './sound_encoder.js';
import type { SwinEncoder } from './swin2sr_encoder.js';

export interface TaskOptions extends TrainableOptions {
  /** Seed of a head that the checkpoint lacks. Default 0. */
  seed?: number | undefined;
}

/** Options of tasks with classes. */
export interface ClassifierOptions extends TaskOptions, LabelOptions {
  /** `true`, for training, where a head for another number of classes gives way to a new one, as transformers has it. Default false: it is MODEL_MISMATCH. */
  ignore_mismatched_sizes?: boolean | undefined;
  /** Kind of a text's labels. Default config.json's; where that has none, one label is a regression, and else the labels given to `fit` decide. */
  problem_type?: ProblemType | undefined;
}

const taskOptionNames = [...trainableOptionNames, 'seed'];
const labelledOptionNames = [...taskOptionNames, 'num_labels', 'id2label', 'ignore_mismatched_sizes'];
export const classifierOptionNames = [...labelledOptionNames, 'problem_type'];

/** Logits: [B, labels] of texts, [B, T, labels] of tokens, [B, T, V] of words. */
export interface LogitsOutput extends Insights {
  /** float32. */
  logits: HostTensor;
}

/** Scores of an answer's first and last token, for each token: [B, T]. */
export interface QuestionAnsweringOutput extends Insights {
  /** Scores of an answer's first token, float32 [B, T]. */
  start_logits: HostTensor;
  /** Scores of an answer's last token, float32 [B, T]. */
  end_logits: HostTensor;
}

const asTheyAre = (logits: HostTensor): LogitsOutput => ({ logits });

/** Logits of one class of a [B, T, classes]. */
function classOf({ data, dims }: HostTensor, index: number): HostTensor {
  const [B, T, classes] = dims as [number, number, number];
  const one = Float32Array.from({ length: B * T }, (_, i) => data[i * classes + index] as number);
  return new HostTensor('float32', one, [B, T]);
}

/** Pictures that were made of pictures. */
export interface ImageToImageOutput extends Insights {
  /** float32 [B, c, H, W]: numbers from 0 to 1, and a little beyond. */
  reconstruction: HostTensor;
}

/** Of each of N things that may be in a picture, the last class being nothing. */
export interface DetectionOutput extends Insights {
  /** float32 [B, N, classes + 1]. */
  logits: HostTensor;
  /** float32 [B, N, 4]: centre, width and height, as shares of the picture's. */
  pred_boxes: HostTensor;
}

/** Scores, and the box behind them. */
function withBoxes({ data, dims }: HostTensor): DetectionOutput {
  const [B, N, width] = dims as [number, number, number];
  const part = (from: number, to: number) => {
    const rows = new Float32Array(B * N * (to - from));
    for (let i = 0; i < B * N; i++) rows.set((data as Float32Array).subarray(i * width + from, i * width + to), i * (to - from));
    return new HostTensor('float32', rows, [B, N, to - from]);
  };
  return { logits: part(0, width - 4), pred_boxes: part(width - 4, width) };
}

/** How far away each pixel is. */
export interface DepthOutput extends Insights {
  /** float32 [B, H, W]: metres, or, of a relative model, more for what is nearer. */
  predicted_depth: HostTensor;
}

/** What each place of a picture is. */
export interface SegmentationOutput extends Insights {
  /** float32 [B, classes, h, w], of fewer places than pixels: SegFormer's are a quarter of the height and width. */
  logits: HostTensor;
}

/** Scores [B, h, w, classes] with their classes before their places. */
function byClass({ data, dims }: HostTensor): SegmentationOutput {
  const [B, h, w, classes] = dims as [number, number, number, number];
  const [n, scores] = [h * w, new Float32Array(data.length)];
  for (let b = 0, i = 0; b < B; b++)
    for (let at = 0; at < n; at++) for (let c = 0; c < classes; c++, i++) scores[(b * classes + c) * n + at] = data[i] as number;
  return { logits: new HostTensor('float32', scores, [B, classes, h, w]) };
}

/** What becomes of each task's logits, whether its classes have names, which may be chosen, and the options of its from_pretrained. */
const tasks = {
  SequenceClassification: { named: true, options: classifierOptionNames, read: asTheyAre },
  TokenClassification: { named: true, options: labelledOptionNames, read: asTheyAre },
  QuestionAnswering: {
    named: false,
    options: taskOptionNames,
    read: (logits: HostTensor): QuestionAnsweringOutput => ({ start_logits: classOf(logits, 0), end_logits: classOf(logits, 1) }),
  },
  MaskedLM: { named: false, options: taskOptionNames, read: asTheyAre },
  ImageClassification: { named: true, options: classifierOptionNames, read: asTheyAre },
  ImageToImage: { named: false, options: taskOptionNames, read: (reconstruction: HostTensor): ImageToImageOutput => ({ reconstruction }) },
  ObjectDetection: { named: true, options: taskOptionNames, read: withBoxes },
  DepthEstimation: { named: false, options: taskOptionNames, read: (predicted_depth: HostTensor): DepthOutput => ({ predicted_depth }) },
  SemanticSegmentation: { named: true, options: labelledOptionNames, read: byClass },
  CTC: { named: false, options: taskOptionNames, read: asTheyAre },
} satisfies Record<Task, { named: boolean; options: readonly string[]; read(logits: HostTensor): object }>;

export type TaskOutput<T extends Task> = ReturnType<(typeof tasks)[T]['read']>;

/** In a page the model lives in a worker: then `engine` and `encoder` cannot be reached, and say so. */
export type TaskModelOf<T extends Task> = TaskModel<T> & ModelCall<TaskOutput<T>, TaskInputs<T>>;

/** Tasks whose models read pictures. */
type ImageTask = 'ImageClassification' | 'ObjectDetection' | 'DepthEstimation' | 'ImageToImage' | 'SemanticSegmentation';
type TaskInputs<T extends Task> = T extends ImageTask ? PixelInputs : T extends 'CTC' ? SampleInputs : ModelInputs;
/** Encoders of tasks that do not read texts. */
interface TaskEncoders {
  ImageClassification: ImageEncoder | PyramidEncoder;
  ObjectDetection: ImageEncoder | QueryEncoder;
  DepthEstimation: ImageEncoder;
  ImageToImage: SwinEncoder;
  SemanticSegmentation: PyramidEncoder;
  CTC: SoundEncoder;
}
type TaskEncoder<T extends Task> = T extends keyof TaskEncoders ? TaskEncoders[T] : Encoder;

export class TaskModel<T extends Task> extends EncoderBase<TaskOutput<T>, TaskEncoder<T>, TaskInputs<T>> {
  constructor(
    engine: Engine,
    config: JsonObject,
    encoder: TaskEncoder<T>,
    origin: Origin,
    /** Task of the head. */
    readonly task: T,
    /** Names of the classes, where the task has some. */
    readonly labels: readonly string[],
    /** `true` for a model that was loaded for training. */
    readonly trainable: boolean,
  ) {
    super(engine, config, encoder, origin);
  }

  protected get wants() {
    return {};
  }

  /** The logits under the task's names. */
  protected read({ logits }: EncoderOutputs): TaskOutput<T> {
    return tasks[this.task].read((logits as NonNullable<typeof logits>).toHost()) as TaskOutput<T>;
  }
}

/** Arguments of the constructor, from a folder's config.json and weights. Throws MODEL_MISMATCH for a checkpoint without the head, unless it is to be trained. */
export async function loadTask<T extends Task>(
  task: T,
  engine: Engine,
  folder: string | Folder,
  options: ClassifierOptions,
): Promise<ConstructorParameters<typeof TaskModel<T>>> {
  checkPretrained(options, tasks[task].options);
  const { trainable = false, seed = 0, num_labels, id2label, problem_type, ignore_mismatched_sizes: renews } = options;
  expectBooleans('from_pretrained', { ignore_mismatched_sizes: renews });
  if (renews && !trainable)
    throw new HeedError('ARGUMENT', 'from_pretrained: a new head says nothing before it has learned', {
      culprit: 'ignore_mismatched_sizes',
      cure: 'Give trainable: true',
    });
  if (!Number.isSafeInteger(seed))
    throw new HeedError('ARGUMENT', `from_pretrained: seed is ${kindOf(seed)}`, { culprit: 'seed', cure: 'It is a whole number' });
  if (problem_type !== undefined && !problemTypes.includes(problem_type))
    throw new HeedError('ARGUMENT', `from_pretrained: problem_type is ${kindOf(problem_type)}`, {
      culprit: 'problem_type',
      cure: `Use ${problemTypes.join(', ')}`,
    });
  const head = headFor(task, { num_labels, id2label });
  const { config, module, origin } = await loadPretrained(engine, folder, 'encoder', options, { head, trainable, renews, seed });
  const labels = (tasks[task].named && module.head?.classes) || [];
  const chosen = problem_type ? { problem_type } : {};
  const known = labels.length ? { ...configWith(config.value, labels), ...chosen } : config.value;
  return [engine, known, module as TaskEncoder<T>, origin, task, labels, trainable];
}

/** Loader for `from_pretrained` of a task. */
const loaderOf = <T extends Task, Options extends TaskOptions>(task: T) => ({
  optionNames: tasks[task].options,
  load: async (engine: Engine, folder: string | Folder, options?: Options): Promise<TaskModelOf<T>> => {
    const model = new TaskModel<T>(...(await loadTask(task, engine, folder, options ?? {})));
    return callable(model, ['run', 'forward', 'save_pretrained']) as unknown as TaskModelOf<T>;
  },
});

export const TokenClassificationModel = /* @__PURE__ */ loaderOf<'TokenClassification', ClassifierOptions>('TokenClassification');
export const QuestionAnsweringModel = /* @__PURE__ */ loaderOf<'QuestionAnswering', TaskOptions>('QuestionAnswering');
export const ImageToImageModel = /* @__PURE__ */ loaderOf<'ImageToImage', TaskOptions>('ImageToImage');
export const ObjectDetectionModel = /* @__PURE__ */ loaderOf<'ObjectDetection', TaskOptions>('ObjectDetection');
export const DepthEstimationModel = /* @__PURE__ */ loaderOf<'DepthEstimation', TaskOptions>('DepthEstimation');
export const SemanticSegmentationModel = /* @__PURE__ */ loaderOf<'SemanticSegmentation', ClassifierOptions>('SemanticSegmentation');
export const CTCModel = /* @__PURE__ */ loaderOf<'CTC', TaskOptions>('CTC');
export const MaskedLMModel = /* @__PURE__ */ loaderOf<'MaskedLM', TaskOptions>('MaskedLM');

/** A model that makes pictures of pictures: reconstruction [B, c, H, W]. */
export type ImageReconstructor = TaskModelOf<'ImageToImage'>;
/** A model that tells what is where in a picture: logits [B, N, classes + 1], pred_boxes [B, N, 4]. */
export type ObjectDetector = TaskModelOf<'ObjectDetection'>;
/** A model that tells how far away each pixel is: predicted_depth [B, H, W]. */
export type DepthEstimator = TaskModelOf<'DepthEstimation'>;
/** A model that tells what each place of a picture is: logits [B, labels, h, w]. */
export type SemanticSegmenter = TaskModelOf<'SemanticSegmentation'>;
/** A model that scores letters at every step of a sound: logits [B, T, V]. */
export type CTCRecognizer = TaskModelOf<'CTC'>;
/** A model that labels tokens: logits [B, T, labels]. */
export type TokenClassifier = TaskModelOf<'TokenClassification'>;
/** A model that scores the first and last tokens of answers: start_logits, end_logits [B, T]. */
export type QuestionAnswerer = TaskModelOf<'QuestionAnswering'>;
/** A model that scores tokens: logits [B, T, V]. */
export type MaskedLM = TaskModelOf<'MaskedLM'>;
