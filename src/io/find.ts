/**
 * Resolution of a user's name of a model to its folder, in two steps: first the source, in plain data that crosses to a worker; then the folder, where the model is
 * loaded. A name is an existing path, else a URL, else a name that the `hub` knows, in that order.
 */
import { HeedError, kindOf, shown } from '../errors.js';
import type { OpenOptions, Runtime } from '../runtime/types.js';
import { type Folder, folderAt, singled } from './folder.js';
import { addressOf, filesIn, givenFolder, type ModelFile, type ModelFiles } from './given.js';
import { folderIn } from './modules.js';

/** Model as users name it: a path, a URL, a hub's `owner/name` or `owner/name@revision`, or its files. */
export type ModelSource = string | URL | ModelFiles;

/** Options for the place of a model, as in transformers.js. Models outside of a hub have one revision and no cache. */
export interface SourceOptions {
  /** Branch, tag or commit of a hub's model. Default 'main'. */
  revision?: string | undefined;
  /** Cache folder of a hub's files. */
  cache_dir?: string | undefined;
  /** `true` where nothing may be downloaded. Default false. */
  local_files_only?: boolean | undefined;
  /** Folder inside of the model's that has its files. */
  subfolder?: string | undefined;
  /** Name of the GGUF file, where the model's folder has several; the first one of a split file. */
  gguf_file?: string | undefined;
}

export const sourceOptionNames: readonly (keyof SourceOptions)[] = ['revision', 'cache_dir', 'local_files_only', 'subfolder', 'gguf_file'];

/** Source of a model, in plain data that crosses to a worker. */
export interface Source {
  readonly heed: 'source';
  /** Name that the user gave. */
  readonly name: string;
  readonly subfolder: string | undefined;
  /** Name of the GGUF file. */
  readonly file?: string | undefined;
  /** Absolute path or URL. */
  readonly location?: string;
  readonly files?: Readonly<Record<string, ModelFile>>;
  /** Data of the hub, which only the hub reads. */
  readonly hub?: unknown;
}

/** Resolver of names that are neither paths nor plain addresses. */
export interface Hub {
  /**
   * Resolves a name or URL to an address, or to data of the hub's own and the name of a GGUF file. Throws where the name stands for no model, or for one that must
   * not be loaded.
   */
  find(name: string, isUrl: boolean, options: SourceOptions): Promise<{ location: string } | { hub: unknown; file?: string | undefined }>;
  /** Returns the folder for the hub's own data. */
  folder(words: unknown, name: string): Folder;
}

const isSource = (model: unknown): model is Source => (model as Partial<Source> | null | undefined)?.heed === 'source';

const wrong = (message: string, culprit: string, cure: string) => new HeedError('ARGUMENT', message, { culprit, cure });

/** Resolves a user's name of a model. Throws ARGUMENT for a value that can be no model, NOT_FOUND for a name that stands for no model. */
export async function sourceOf(runtime: Runtime, model: ModelSource | Source, options: SourceOptions = {}, hub?: Hub): Promise<Source> {
  if (isSource(model)) return model;
  const { subfolder, revision, cache_dir, local_files_only, gguf_file } = options;
  for (const [name, value] of Object.entries({ subfolder, revision, cache_dir, gguf_file }))
    if (value !== undefined && typeof value !== 'string') throw wrong(`${name} is ${kindOf(value)}`, name, 'It must be a text');
  if (local_files_only !== undefined && typeof local_files_only !== 'boolean')
    throw wrong(`local_files_only is ${kindOf(local_files_only)}`, 'local_files_only', 'It must be true or false');
  for (const [name, value] of Object.entries({ subfolder, gguf_file }))
    if (value?.split('/').includes('..')) throw wrong(`${name} is ${kindOf(value)}`, name, 'It lies in the model’s folder');
  if (gguf_file !== undefined && !/[^/]\.gguf$/i.test(gguf_file))
    throw wrong(`gguf_file is ${kindOf(gguf_file)}`, 'gguf_file', 'It is a name that ends in .gguf');
  const address = addressOf(model);
  const base = {
    heed: 'source',
    subfolder: subfolder?.replace(/^\/+|\/+$/g, '') || undefined,
    ...(gguf_file && { file: gguf_file }),
  } as const;
  if (address === undefined) {
    if (typeof model !== 'object' || model === null)
      throw wrong(`The model is ${kindOf(model)}`, 'model', 'Give the path or URL of its folder, a hub’s owner/name, or its files');
    const files = filesIn(model as ModelFiles);
    givenFolder(runtime, files);
    return { ...base, name: 'the files that were given', files };
  }
  if (address === '') throw wrong('The model is an empty text', 'model', 'Give the path or URL of its folder');
  if (!hub && local_files_only && /^https?:/i.test(address))
    throw new HeedError('UNSUPPORTED', `There is no cache in which ${shown(address)} could be`, {
      culprit: 'local_files_only',
      cure: 'Leave it out, or import from heed instead of heed/core',
    });
  const isUrl = /^[a-z][a-z\d+.-]+:/i.test(address);
  const found = (await hub?.find(address, isUrl, options)) ?? { location: runtime.resolve(address) };
  return { ...base, name: shown(address), ...found };
}

const hubs = new WeakMap<Runtime, Hub>();

/** Makes a hub known to whoever looks for more than the model on a runtime later: for its adapters. */
export const registerHub = (runtime: Runtime, hub: Hub): void => void hubs.set(runtime, hub);

let reader: (folder: Folder) => Folder = (folder) => folder;

/**
 * Registers `read`, which receives every model's folder, and may return another in its place: `ggufReader`. heed has it registered, heed/core leaves that to you.
 */
export function registerReader(read: (folder: Folder) => Folder): void {
  reader = read;
}

/** Returns the folder of a source. */
export function folderOfSource(runtime: Runtime, source: Source, hub?: Hub): Folder {
  const { name, location, files, hub: found, subfolder, file } = source;
  const whole =
    location !== undefined ? folderAt(runtime, location) : files ? givenFolder(runtime, files) : (hub as Hub).folder(found, name);
  const folder = subfolder ? folderIn(whole, subfolder) : whole;
  return reader(file === undefined ? folder : singled(folder, file));
}

/** Resolves a model and returns its folder: both steps at once. */
export async function folderFor(
  runtime: Runtime,
  model: ModelSource | Source | Folder,
  options: SourceOptions & OpenOptions = {},
  hub: Hub | undefined = hubs.get(runtime),
): Promise<Folder> {
  return folderOfSource(runtime, await sourceOf(runtime, model as ModelSource, options, hub), hub);
}
