/**
 * An encoder with a task's head, as users call it: AutoModelFor…(TokenClassification, QuestionAnswering, MaskedLM). What tasks differ in is the table below; a
 * SequenceClassification has more to it, in sequence_classifier.ts.
 */
import type { Engine } from '../engine/engine.js';
import { HeedError, kindOf } from '../errors.js';
import type { Folder } from '../io/folder.js';
import type { JsonObject } from '../io/json.js';
import { HostTensor } from '../tensor.js';
import type { Task } from './architecture.js';
import { callable } from './callable.js';
import type { Encoder, EncoderOutputs } from './encoder.js';
import { headFor } from './heads.js';
import { configWith, type LabelOptions, type ProblemType, problemTypes } from './labels.js';
import { EncoderBase, type Insights, type ModelCall } from './model.js';
import { checkPretrained, type TrainableOptions, trainableOptionNames } from './options.js';
import { loadPretrained } from './pretrained.js';
import type { Origin } from './save.js';

export interface TaskOptions extends TrainableOptions {
  /** Of a head that the checkpoint does not have. Default 0. */
  seed?: number | undefined;
}

/** Of tasks that tell classes apart. */
export interface ClassifierOptions extends TaskOptions, LabelOptions {
  /** Of texts: what their labels are. Default config.json's; where that says nothing, one label is a regression, and else what `fit` is given decides. */
  problem_type?: ProblemType | undefined;
}

const taskOptionNames = [...trainableOptionNames, 'seed'];
const labelledOptionNames = [...taskOptionNames, 'num_labels', 'id2label'];
export const classifierOptionNames = [...labelledOptionNames, 'problem_type'];

/** Logits: [B, labels] of texts, [B, T, labels] of tokens, [B, T, V] of words. */
export interface LogitsOutput extends Insights {
  /** float32. */
  logits: HostTensor;
}

/** How much speaks for an answer's beginning, and its end, at each token: [B, T]. */
export interface QuestionAnsweringOutput extends Insights {
  /** Of an answer's first token, float32 [B, T]. */
  start_logits: HostTensor;
  /** Of its last token, float32 [B, T]. */
  end_logits: HostTensor;
}

const asTheyAre = (logits: HostTensor): LogitsOutput => ({ logits });

/** One class of a [B, T, classes]. */
function classOf({ data, dims }: HostTensor, index: number): HostTensor {
  const [B, T, classes] = dims as [number, number, number];
  const one = Float32Array.from({ length: B * T }, (_, i) => data[i * classes + index] as number);
  return new HostTensor('float32', one, [B, T]);
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
} satisfies Record<Task, { named: boolean; options: readonly string[]; read(logits: HostTensor): object }>;

export type TaskOutput<T extends Task> = ReturnType<(typeof tasks)[T]['read']>;

/** In a page the model lives in a worker: then `engine` and `encoder` cannot be reached, and say so. */
export type TaskModelOf<T extends Task> = TaskModel<T> & ModelCall<TaskOutput<T>>;

export class TaskModel<T extends Task> extends EncoderBase<TaskOutput<T>> {
  constructor(
    engine: Engine,
    config: JsonObject,
    encoder: Encoder,
    origin: Origin,
    /** What its head is for. */
    readonly task: T,
    /** The names of its classes, where it has some. */
    readonly labels: readonly string[],
    /** Whether it was loaded for training. */
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

/** What the constructor takes, from a folder's config.json and weights. Throws MODEL_MISMATCH for a checkpoint without the head, unless it is to be trained. */
export async function loadTask<T extends Task>(
  task: T,
  engine: Engine,
  folder: string | Folder,
  options: ClassifierOptions,
): Promise<ConstructorParameters<typeof TaskModel<T>>> {
  checkPretrained(options, tasks[task].options);
  const { trainable = false, seed = 0, num_labels, id2label, problem_type } = options;
  if (!Number.isSafeInteger(seed))
    throw new HeedError('ARGUMENT', `from_pretrained: seed is ${kindOf(seed)}`, { culprit: 'seed', cure: 'It is a whole number' });
  if (problem_type !== undefined && !problemTypes.includes(problem_type))
    throw new HeedError('ARGUMENT', `from_pretrained: problem_type is ${kindOf(problem_type)}`, {
      culprit: 'problem_type',
      cure: `Use ${problemTypes.join(', ')}`,
    });
  const head = headFor(task, { num_labels, id2label });
  const { config, module, origin } = await loadPretrained(engine, folder, 'encoder', options, { head, trainable, seed });
  const labels = (tasks[task].named && module.head?.classes) || [];
  const chosen = problem_type ? { problem_type } : {};
  const known = labels.length ? { ...configWith(config.value, labels), ...chosen } : config.value;
  return [engine, known, module, origin, task, labels, trainable];
}

/** What `from_pretrained` of a task loads. */
const loaderOf = <T extends Task, Options extends TaskOptions>(task: T) => ({
  optionNames: tasks[task].options,
  load: async (engine: Engine, folder: string | Folder, options?: Options): Promise<TaskModelOf<T>> => {
    const model = new TaskModel<T>(...(await loadTask(task, engine, folder, options ?? {})));
    return callable(model, ['run', 'forward', 'save_pretrained']) as unknown as TaskModelOf<T>;
  },
});

export const TokenClassificationModel = /* @__PURE__ */ loaderOf<'TokenClassification', ClassifierOptions>('TokenClassification');
export const QuestionAnsweringModel = /* @__PURE__ */ loaderOf<'QuestionAnswering', TaskOptions>('QuestionAnswering');
export const MaskedLMModel = /* @__PURE__ */ loaderOf<'MaskedLM', TaskOptions>('MaskedLM');

/** A model that labels tokens: logits [B, T, labels]. */
export type TokenClassifier = TaskModelOf<'TokenClassification'>;
/** A model that says where answers begin and end: start_logits, end_logits [B, T]. */
export type QuestionAnswerer = TaskModelOf<'QuestionAnswering'>;
/** A model that scores tokens: logits [B, T, V]. */
export type MaskedLM = TaskModelOf<'MaskedLM'>;
