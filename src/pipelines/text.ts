/** Shared parts of pipelines that read texts: loading a model beside its tokenizer, checks of arguments, and the members of every pipeline. */
import type { Engine, EngineInfo } from '../engine/engine.js';
import { HeedError, kindOf } from '../errors.js';
import { type Folder, folderOf } from '../io/folder.js';
import { checkPretrained, type PretrainedOptions } from '../models/options.js';
import { type CallableTokenizer, Tokenizer } from '../text/tokenizer.js';
import { checkRunOptions, eachOf, type RunOptions } from './rows.js';

interface Owned {
  readonly info: EngineInfo;
  dispose(): void;
}

/** A tokenizer and a model, with which a task is done. */
export abstract class TextPipeline<Model extends Owned> {
  /** The task that `pipeline` was asked for, by its own name: text-classification for sentiment-analysis. */
  declare readonly task: string;

  constructor(
    /** The model's tokenizer. */
    readonly tokenizer: CallableTokenizer,
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

/** Waits for a model and what goes with it; disposes of the model where any of it fails. */
export async function loadAll<M extends { dispose(): void }, Rest extends unknown[]>(
  model: Promise<M>,
  ...rest: { [I in keyof Rest]: Promise<Rest[I]> }
): Promise<[M, ...Rest]> {
  try {
    return (await Promise.all([model, ...rest])) as [M, ...Rest];
  } catch (error) {
    const [loaded] = await Promise.allSettled([model, ...rest]);
    if (loaded.status === 'fulfilled') (loaded.value as M).dispose();
    throw error;
  }
}

/** Loads a model beside its tokenizer, and makes a pipeline of them. */
export async function loadText<M extends Owned, Made>(
  kind: { load(engine: Engine, folder: Folder, options: PretrainedOptions): Promise<M> },
  engine: Engine,
  from: string | Folder,
  options: PretrainedOptions,
  make: (tokenizer: CallableTokenizer, model: M) => Made,
  names?: readonly string[],
): Promise<Made> {
  checkPretrained(options, names);
  const folder = folderOf(engine.runtime, from);
  // The tokenizer is read while the weights are, which takes longer.
  const [model, tokenizer] = await loadAll(
    kind.load(engine, folder, options),
    Tokenizer.load(folder, { signal: options.signal }, engine.runtime),
  );
  try {
    return make(tokenizer, model);
  } catch (error) {
    model.dispose();
    throw error;
  }
}

export const wrong = (task: string, name: string, value: unknown, cure: string): HeedError =>
  new HeedError('ARGUMENT', `${task}: ${name} is ${kindOf(value)}`, { culprit: name, cure });

/** Throws ARGUMENT for a value that is no whole number from `least`. */
export function checkCount(task: string, name: string, value: unknown, least = 1): void {
  if (!(Number.isSafeInteger(value) && (value as number) >= least)) throw wrong(task, name, value, `It is a whole number from ${least}`);
}

/** Strings as a list of them. Throws ARGUMENT for anything else. */
export function stringsOf(task: string, name: string, strings: string | readonly string[]): readonly string[] {
  const list: string[] = Array.isArray(strings) ? Array.from(strings) : [strings];
  const strange = list.findIndex((text) => typeof text !== 'string');
  if (strange < 0) return list;
  throw new HeedError('ARGUMENT', `${task}: ${name} must be strings, not ${kindOf(list[strange])}`, { culprit: name });
}

/** The texts as a list. Throws ARGUMENT for anything else, and for run options that cannot be. */
export function textsOf(task: string, texts: string | readonly string[], options: RunOptions): readonly string[] {
  checkRunOptions(task, options);
  return stringsOf(task, 'texts', texts);
}

/** What reads texts: a pipeline with its tokenizer, and a model that may have an encoder with bounded positions. */
interface Reader {
  readonly tokenizer: CallableTokenizer;
  readonly model: { readonly engine: Engine; readonly encoder?: { readonly dims: { readonly positions: number } } };
}

/** Number of tokens of texts, as the tokenizer cuts them, and of each as many as an encoder reads. The event loop has its turns. Rejects with `signal.reason`. */
export async function tokensOf({ tokenizer, model }: Reader, texts: readonly string[], signal?: AbortSignal): Promise<number> {
  const most = Math.min(tokenizer.model_max_length ?? Number.POSITIVE_INFINITY, model.encoder?.dims.positions ?? Number.POSITIVE_INFINITY);
  const cut = model.encoder && Number.isFinite(most) ? { truncation: true, max_length: most } : {};
  const rows = await eachOf(model.engine, texts, (text) => tokenizer.rowSteps(text, cut), signal);
  return rows.reduce((sum, { ids }) => sum + ids.length, 0);
}
