/** Options of `from_pretrained`, for all kinds of models. */
import type { Engine, EngineOptions } from '../engine/engine.js';
import { checkOptions, HeedError, kindOf } from '../errors.js';
import type { ModelSource, SourceOptions } from '../io/find.js';
import type { ProgressEvent } from '../io/progress.js';
import { BYTES, type PageDtype } from '../nn/pages.js';
import { expectBooleans } from '../ops/check.js';
import type { Port } from '../runtime/types.js';
import { checkDtype, checkEmbeddingDtype, type EmbeddingDtype, type PretrainedDtype } from './quantization.js';

/** Options of `from_pretrained` and `pipeline`. */
export interface PretrainedOptions extends SourceOptions {
  /** The engine that runs the model, or the options of one of its own. Default: one engine that all share. */
  engine?: Engine | EngineOptions | undefined;
  /**
   * `true`: the model runs in a worker instead of on this thread. Default: true in a page, where it then needs no `engine` but may have options of
   * one; false elsewhere. A Worker of yours must call `hostModels()`.
   */
  worker?: boolean | Port | undefined;
  /** Device; 'wasm' is the only one. */
  device?: string | undefined;
  /**
   * 'fp32'; 'q8': matrices and tables in 8 bits, to which a float checkpoint is rounded while it loads; or 'q4': matrices in 4 bits, tables, outputs, and matrices whose rows are no
   * whole blocks of 32 in 8. Half precision is widened. Default: as the checkpoint is, where that is quantized, else fp32.
   */
  dtype?: PretrainedDtype | undefined;
  /** Beside dtype 'q4', what tables of words and positions and outputs have: 'q8' (default), or 'q4' too, where their rows are whole blocks of 32. */
  embedding_dtype?: EmbeddingDtype | undefined;
  /**
   * Dtype of the keys and values in a language model's cache: 'float32' (default), or 'int8' with a scale for each key and value of a head, which takes about a
   * quarter of the memory. Throws ARGUMENT for models that do not generate.
   */
  cache_dtype?: PageDtype | undefined;
  /** Receives the progress of files while they are read. */
  progress_callback?: ((progress: ProgressEvent) => void) | undefined;
  /** Abort signal of the loading, which then rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** Options of `AutoTokenizer.from_pretrained`. */
export type TokenizerOptions = SourceOptions & Pick<PretrainedOptions, 'signal' | 'progress_callback'>;

/** Of models that take adapters. */
export interface AdaptedOptions {
  /** A LoRA adapter that is put on from the beginning, named 'default': the folder that PEFT writes, by its path, URL or name on the hub, or its files. See `load_adapter`. */
  adapter?: ModelSource | undefined;
}

/** Of models that may be trained. */
export interface TrainableOptions extends PretrainedOptions {
  /**
   * `true`: loads for training: weights in rows that take gradients, dropout as in config.json, and missing parts of the checkpoint initialised as in a new model.
   * A call of the model still infers, and so ends training mode, as `eval()` does. Default false.
   */
  trainable?: boolean | undefined;
}

export const pretrainedOptionNames = [
  'engine',
  'worker',
  'device',
  'dtype',
  'embedding_dtype',
  'cache_dtype',
  'progress_callback',
  'signal',
];
export const adaptedOptionNames = [...pretrainedOptionNames, 'adapter'];
export const trainableOptionNames = [...pretrainedOptionNames, 'trainable'];
export const causalOptionNames = [...adaptedOptionNames, 'trainable'];

/** Throws for options that `from_pretrained` does not have. */
export function checkPretrained(options: TrainableOptions, names: readonly string[] = pretrainedOptionNames): void {
  checkOptions(options, names, 'from_pretrained');
  const { device = 'wasm', dtype, embedding_dtype, cache_dtype = 'float32', trainable } = options;
  expectBooleans('from_pretrained', { trainable });
  if (device !== 'wasm')
    throw new HeedError('UNSUPPORTED', `There is no device ${kindOf(device)}`, { culprit: 'device', cure: "Use 'wasm'" });
  if (!Object.hasOwn(BYTES, cache_dtype))
    throw new HeedError('ARGUMENT', `from_pretrained: cache_dtype is ${kindOf(cache_dtype)}`, {
      culprit: 'cache_dtype',
      cure: `It is one of ${Object.keys(BYTES).join(', ')}`,
    });
  checkDtype(dtype);
  checkEmbeddingDtype('from_pretrained', dtype, embedding_dtype);
}
