/**
 * From what a user calls a model to its folder, in two steps: what is meant, here, in plain words that cross to a worker; then the folder, where the model
 * is loaded. A name is an existing path, else a URL, else what the `hub` knows, in that order.
 */
import { HeedError, kindOf, shown } from '../errors.js';
import type { OpenOptions, Runtime } from '../runtime/types.js';
import { type Folder, folderAt, singled } from './folder.js';
import { addressOf, filesIn, givenFolder, type ModelFile, type ModelFiles } from './given.js';
import { folderIn } from './modules.js';

/** A model as users name it: a path, a URL, a hub's `owner/name` or `owner/name@revision`, or its files. */
export type ModelSource = string | URL | ModelFiles;

/** Where to look for a model, as transformers.js has it. Models that are no hub's have one revision and no cache. */
export interface SourceOptions {
  /** A branch, tag or commit of a hub's model. Default 'main'. */
  revision?: string | undefined;
  /** The folder that keeps what a hub sent. */
  cache_dir?: string | undefined;
  /** Nothing is downloaded. Default false. */
  local_files_only?: boolean | undefined;
  /** The folder inside of the model's that has its files. */
  subfolder?: string | undefined;
  /** The GGUF file that is meant, of several that the model's folder has; of a split one the first. */
  gguf_file?: string | undefined;
}

export const sourceOptionNames: readonly (keyof SourceOptions)[] = ['revision', 'cache_dir', 'local_files_only', 'subfolder', 'gguf_file'];

/** What is meant, in words that cross to a worker. */
export interface Source {
  readonly heed: 'source';
  /** As the user says it. */
  readonly name: string;
  readonly subfolder: string | undefined;
  /** The GGUF file that is meant. */
  readonly file?: string | undefined;
  /** A path or URL, as it stands for itself. */
  readonly location?: string;
  readonly files?: Readonly<Record<string, ModelFile>>;
  /** The hub's own words. */
  readonly hub?: unknown;
}

/** Who knows models by more names than addresses. */
export interface Hub {
  /** What a name or URL means to it: an address, or words of its own, and the file that is meant there. Throws where it means nothing, or what must not be had. */
  find(name: string, isUrl: boolean, options: SourceOptions): Promise<{ location: string } | { hub: unknown; file?: string | undefined }>;
  /** What its words stand for. */
  folder(words: unknown, name: string): Folder;
}

const isSource = (model: unknown): model is Source => (model as Partial<Source> | null | undefined)?.heed === 'source';

const wrong = (message: string, culprit: string, cure: string) => new HeedError('ARGUMENT', message, { culprit, cure });

/** What a user means. Throws ARGUMENT for what can be no model, NOT_FOUND for a name that stands for nothing. */
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

let reader: (folder: Folder) => Folder = (folder) => folder;

/** Has every model's folder seen by `read`, which may give another in its place: `ggufReader`. heed has it registered, heed/core leaves it to you. */
export function registerReader(read: (folder: Folder) => Folder): void {
  reader = read;
}

/** The folder of what was meant. */
export function folderOfSource(runtime: Runtime, source: Source, hub?: Hub): Folder {
  const { name, location, files, hub: found, subfolder, file } = source;
  const whole =
    location !== undefined ? folderAt(runtime, location) : files ? givenFolder(runtime, files) : (hub as Hub).folder(found, name);
  const folder = subfolder ? folderIn(whole, subfolder) : whole;
  return reader(file === undefined ? folder : singled(folder, file));
}

/** Both steps at once. */
export async function folderFor(
  runtime: Runtime,
  model: ModelSource | Source | Folder,
  options: SourceOptions & OpenOptions = {},
  hub?: Hub,
): Promise<Folder> {
  return folderOfSource(runtime, await sourceOf(runtime, model as ModelSource, options, hub), hub);
}
