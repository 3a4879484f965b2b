/**
 * Saving of a model's folder in Hugging Face's layout: model.safetensors, the files beside it, config.json. Each file is there as a whole or not
 * at all, and config.json, which a loader asks for first, comes last.
 */

import { checkOptions, HeedError, kindOf } from '../errors.js';
import { type Files, filesOf, tokenizerIn } from '../io/copied.js';
import { type Folder, folderOf, isFolder } from '../io/folder.js';
import { isObject, type JsonObject, readFile } from '../io/json.js';
import { modulesOf } from '../io/modules.js';
import { respell } from '../io/respell.js';
import { pytorch, type SafetensorsEntry, writeSafetensors } from '../io/safetensors_writer.js';
import { dtypeFor, weightEntries } from '../nn/entries.js';
import type { Module } from '../nn/module.js';
import type { ParameterDtype } from '../nn/parameter.js';
import type { Runtime } from '../runtime/types.js';
import { checkDtype, kept, type PretrainedDtype, quantizationConfig } from './quantization.js';

/** Options of save_pretrained. */
export interface SaveOptions {
  /** Members of config.json beside, or instead of, those of the model's own `config`. */
  config?: JsonObject | undefined;
  /** Dtype. 'q8': matrices and tables in 8 bits, which config.json then says. 'fp32': float32. Default: that of the model. */
  dtype?: PretrainedDtype | undefined;
  /** Weights, where they are to be others than the model's parameters, or under other names. `dtype` does not apply to them. */
  tensors?: Iterable<SafetensorsEntry> | undefined;
  /** Tokenizer: a loaded one; tokenizer.json as an object, as trainBpe gives it; or the folder of a model whose tokenizer is copied. */
  tokenizer?: object | string | Folder | undefined;
}

/** Options of `save_pretrained` of a loaded model. */
export interface SavePretrainedOptions {
  /** Dtype. 'q8': matrices and tables in 8 bits; 'q4': matrices in 4. 'fp32': float32. Default: that of the model. */
  dtype?: PretrainedDtype | undefined;
  /** Abort signal, checked before anything is written. */
  signal?: AbortSignal | undefined;
}

/** Origin of a module. */
export interface Origin {
  folder: Folder;
  /** Tensors of the module, as a checkpoint of this dtype has them; undefined: the dtypes in which they are held. */
  tensors(dtype: ParameterDtype | undefined): Iterable<SafetensorsEntry>;
  /** Hugging Face's class of such a model: with a head or, where there is none, without. Undefined where config.json names it. */
  model: string | undefined;
  /** `true` for a model with a task's head. */
  headed: boolean;
}

/** How a model generates, and how sentence-transformers makes sentences of tokens. */
const modelFiles = ['generation_config.json', 'modules.json', 'sentence_bert_config.json', 'config_sentence_transformers.json'];

/** Loaded modules, and the config and origin with which they are saved. */
const loaded = /* @__PURE__ */ new WeakMap<Module, { config: JsonObject; origin: Origin }>();

/** Registers a loaded module, so that `save_pretrained` of the module alone, which a Trainer has, saves the whole model. */
export const remember = (module: Module, config: JsonObject, origin: Origin): unknown => loaded.set(module, { config, origin });

/**
 * Writes a model, so that `from_pretrained(folder)` loads it. The module of a loaded model is written under Hugging Face's names, with the tokenizer and other files
 * of its folder. Throws ARGUMENT for a model without `config`, NUMERIC for weights that are not finite where they are
 * rounded, STORAGE where a file cannot be written, UNSUPPORTED where there are no files.
 */
export async function save_pretrained(
  model: Module & {
    /** Content of config.json; a loaded model has it. */
    readonly config?: object;
  },
  folder: string,
  options: SaveOptions = {},
): Promise<void> {
  checkOptions(options, ['config', 'dtype', 'tensors', 'tokenizer'], 'save_pretrained');
  const { config, tokenizer, dtype, tensors } = options;
  checkDtype(dtype);
  const known = loaded.get(model);
  if (known && !tensors) {
    const files = tokenizer === undefined ? undefined : await tokenizerFilesOf(model.engine.runtime, tokenizer, folder);
    await saveLoaded(model, { ...known.config, ...config }, known.origin, folder, { dtype }, files);
    return;
  }
  if (!isObject(model.config) && !config)
    throw new HeedError('ARGUMENT', 'save_pretrained: the model has no config', { culprit: 'config', cure: 'Give one' });
  const { runtime } = model.engine;
  const held = heldAs(model, dtype);
  const said = tensors ? {} : { quantization_config: quantizationConfig(held) };
  await writeModel(runtime, folder, {
    tensors: tensors ?? entriesOf(model, dtype && held),
    files: await tokenizerFilesOf(runtime, tokenizer, folder),
    config: respell({ ...model.config, ...said, ...config }),
  });
}

/** Writes a loaded model with the files beside it. Returns the bytes of all files. */
export async function saveLoaded(
  module: Module,
  config: JsonObject,
  { folder: from, tensors, model, headed }: Origin,
  folder: string,
  options: SavePretrainedOptions,
  tokenizer?: Files,
): Promise<number> {
  checkOptions(options, ['dtype', 'signal'], 'save_pretrained');
  const { dtype, signal } = options;
  checkDtype(dtype);
  const held = heldAs(module, dtype);
  // What pictures and sounds become is the same under any head; files about the pooling of an encoder's states do not apply to one.
  const beside = ['preprocessor_config.json', ...(headed ? [] : [...modelFiles, ...(await poolingFiles(from, signal))])];
  const files = [...(tokenizer ?? (await tokenizerIn(from, signal))), ...(await filesOf(from, beside, signal))];
  const own = await readFile(from, 'config.json', { optional: true, signal });
  signal?.throwIfAborted();
  const said = respell(savedConfig(config, held, model), own && new TextDecoder().decode(own));
  return writeModel(module.engine.runtime, folder, { tensors: tensors(dtype && held), files, config: said });
}

/** config.json of a loaded model that is saved: floats are now float32. */
function savedConfig(config: JsonObject, held: ParameterDtype, model: string | undefined): JsonObject {
  const floats = Object.fromEntries(['dtype', 'torch_dtype'].filter((key) => key in config).map((key) => [key, 'float32']));
  return { ...config, ...floats, quantization_config: quantizationConfig(held), ...(model && { architectures: [model] }) };
}

/** The form in which a module's weights are saved, as they are where none is asked for. Throws UNSUPPORTED where some are float32 then, and others not. */
function heldAs(module: Module, dtype: PretrainedDtype | undefined): ParameterDtype {
  const quantizable = [...module.namedParameters()].map(([, parameter]) => parameter).filter((parameter) => parameter.quantizable);
  const held = new Set(quantizable.map((parameter) => (dtype ? dtypeFor(parameter, kept[dtype]) : parameter.dtype)));
  if (held.size <= 1 || !held.has('float32')) return (['q4', 'q8'] as const).find((one) => held.has(one)) ?? 'float32';
  throw new HeedError('UNSUPPORTED', `save_pretrained: weights are held in ${[...held].join(' and ')}, for which a folder has no form`, {
    culprit: 'dtype',
    cure: "Give dtype: 'fp32', which is exact, or 'q8' or 'q4', which round",
  });
}

/** Parameters of a module under their own names, each copied when it is its turn; without a dtype, as they are held. */
export function* entriesOf(module: Module, dtype: ParameterDtype | undefined, prefix = ''): Generator<SafetensorsEntry, void> {
  for (const [name, parameter] of module.distinctParameters()) yield* weightEntries(parameter, prefix + name, dtype);
}

interface Contents {
  tensors: Iterable<SafetensorsEntry>;
  /** Files beside the weights. */
  files: Files;
  /** Text of config.json. */
  config: string;
}

/** Gives the bytes of all files. */
async function writeModel(runtime: Runtime, folder: string, { tensors, files, config }: Contents): Promise<number> {
  if (typeof folder !== 'string' || folder === '')
    throw new HeedError('ARGUMENT', `save_pretrained: folder is ${kindOf(folder)}`, { culprit: 'folder', cure: 'Give a path' });
  const write = (file: string, chunks: Iterable<Uint8Array>) => runtime.writeFile(runtime.join(folder, file), chunks);
  let length = await write('model.safetensors', writeSafetensors(tensors, pytorch));
  for (const [file, bytes] of files) length += await write(file, [bytes]);
  return length + (await write('config.json', [new TextEncoder().encode(config)]));
}

const isLoaded = (tokenizer: unknown): tokenizer is { save_pretrained(folder: string): Promise<void> } =>
  typeof (tokenizer as { save_pretrained?: unknown } | null)?.save_pretrained === 'function';

/** Files of a tokenizer to write beside the weights; a loaded tokenizer writes its own into `to`. */
async function tokenizerFilesOf(runtime: Runtime, tokenizer: SaveOptions['tokenizer'], to: string): Promise<Files> {
  if (tokenizer === undefined) return [];
  if (typeof tokenizer === 'string' || isFolder(tokenizer)) return tokenizerOf(folderOf(runtime, tokenizer));
  if (isLoaded(tokenizer)) return tokenizer.save_pretrained(to).then(() => []);
  if (isObject(tokenizer)) return [['tokenizer.json', new TextEncoder().encode(respell(tokenizer))]];
  throw new HeedError('ARGUMENT', `save_pretrained: tokenizer is ${kindOf(tokenizer)}`, {
    culprit: 'tokenizer',
    cure: 'Give one that was loaded, what trainBpe gives, or the path of a folder that has one',
  });
}

/** A folder's tokenizer. Throws NOT_FOUND where it has none. */
async function tokenizerOf(folder: Folder): Promise<Files> {
  const files = await tokenizerIn(folder);
  // Reading the missing file throws NOT_FOUND.
  if (!files.some(([name]) => name === 'tokenizer.json' || name === 'vocab.txt')) await readFile(folder, 'tokenizer.json');
  return files;
}

/** Configs and weights of the modules that modules.json puts behind an encoder. */
async function poolingFiles(folder: Folder, signal?: AbortSignal): Promise<string[]> {
  const modules = (await modulesOf(folder, { signal })) ?? [];
  return modules.flatMap(({ path }) => (path ? [`${path}/config.json`, `${path}/model.safetensors`] : []));
}
