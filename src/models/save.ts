/**
 * A model's folder, written as Hugging Face lays it out: model.safetensors, tokenizer.json, config.json. Each file is there as a whole or not at all, and
 * config.json, which a loader asks for first, comes last.
 */
import { checkOptions, HeedError, kindOf } from '../errors.js';
import { type Folder, folderOf, isFolder } from '../io/folder.js';
import { isObject, type JsonObject, readJson } from '../io/json.js';
import { floatEntry, type SafetensorsEntry, writeSafetensors } from '../io/safetensors_writer.js';
import type { Module } from '../nn/module.js';
import { checkDtype, type PretrainedDtype, quantizationConfig } from './quantization.js';

export interface SaveOptions {
  /** What config.json says beside, or instead of, the model's own `config`. */
  config?: JsonObject | undefined;
  /** 'q8': matrices and tables in 8 bits, which config.json then says. 'fp32': float32. Default: as the model is. */
  dtype?: PretrainedDtype | undefined;
  /** Weights, where they are to be others than the model's parameters, or under other names. `dtype` says nothing of them. */
  tensors?: Iterable<SafetensorsEntry> | undefined;
  /** tokenizer.json as an object, as trainBpe gives it, or the folder of a model whose tokenizer is copied. */
  tokenizer?: object | string | Folder | undefined;
}

/** What a tokenizer's files are called, and whether every tokenizer has it. */
const tokenizerFiles = { 'tokenizer.json': true, 'tokenizer_config.json': false, 'special_tokens_map.json': false };

/**
 * Writes a model, so that `from_pretrained(folder)` has it. Throws ARGUMENT for a model without `config`, NUMERIC for weights that are not finite where they are
 * rounded, STORAGE where a file cannot be written, UNSUPPORTED where there are no files.
 */
export async function save_pretrained(
  model: Module & { readonly config?: object },
  folder: string,
  options: SaveOptions = {},
): Promise<void> {
  checkOptions(options, ['config', 'dtype', 'tensors', 'tokenizer'], 'save_pretrained');
  const { config, tokenizer, dtype } = options;
  checkDtype(dtype);
  const { tensors, ...said } = options.tensors ? { tensors: options.tensors } : weightsOf(model, dtype);
  if (typeof folder !== 'string' || folder === '')
    throw new HeedError('ARGUMENT', `save_pretrained: folder is ${kindOf(folder)}`, { culprit: 'folder', cure: 'Give a path' });
  if (!isObject(model.config) && !config)
    throw new HeedError('ARGUMENT', 'save_pretrained: the model has no config', { culprit: 'config', cure: 'Give one' });
  const { runtime } = model.engine;
  const write = (file: string, chunks: Iterable<Uint8Array>) => runtime.writeFile(runtime.join(folder, file), chunks);
  const writeJson = (file: string, value: object) => write(file, [new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`)]);
  const files: [string, unknown][] =
    typeof tokenizer === 'string' || isFolder(tokenizer) ? await filesOf(folderOf(runtime, tokenizer)) : [['tokenizer.json', tokenizer]];
  // transformers refuses files that do not name a framework, and means by this one that the tensors are its own.
  await write('model.safetensors', writeSafetensors(tensors, { format: 'pt' }));
  for (const [file, value] of files) if (isObject(value)) await writeJson(file, value);
  await writeJson('config.json', { ...model.config, ...said, ...config });
}

/** Those of a tokenizer that a folder has. */
const filesOf = (folder: Folder): Promise<[string, unknown][]> =>
  Promise.all(Object.entries(tokenizerFiles).map(async ([file, needed]) => [file, await readJson(folder, file, { optional: !needed })]));

/** A model's weights in a dtype, and what config.json has to say of them. */
function weightsOf(
  model: Module,
  dtype: PretrainedDtype | undefined,
): { tensors: Iterable<SafetensorsEntry>; quantization_config: object | undefined } {
  const q8 = dtype ? dtype === 'q8' : [...model.namedParameters()].some(([, parameter]) => parameter.dtype === 'q8');
  return q8
    ? { tensors: model.quantizedState(), quantization_config: quantizationConfig }
    : { tensors: parameterEntries(model), quantization_config: undefined };
}

/** A module's parameters as a safetensors file has them, each copied when it is its turn. */
export function* parameterEntries(module: Module, prefix = ''): Generator<SafetensorsEntry, void> {
  for (const [name, parameter] of module.distinctParameters()) yield floatEntry(prefix + name, parameter.shape, () => parameter.toHost());
}
