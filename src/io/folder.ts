/**
 * A model's files by their names, wherever they are: in a folder of a disk, below an address, or in another store. Readers of a model ask a Folder, and need not
 * know which.
 */
import { HeedError, kindOf } from '../errors.js';
import type { ByteStream, OpenOptions, Runtime } from '../runtime/types.js';
import { shown } from './location.js';
import type { Checkpoint } from './weights.js';

export interface Folder {
  /** Name of the folder, for messages. */
  readonly name: string;
  /** Location of a file, for messages. */
  locate(file: string): string;
  /** Opens a file. Throws NOT_FOUND where there is no such file, NETWORK where it cannot be downloaded. */
  open(file: string, options?: OpenOptions): Promise<ByteStream>;
  /** Names of all files, those in inner folders with a slash. Absent where they cannot be told. */
  list?(options?: OpenOptions): Promise<readonly string[]>;
  /** Name of the file, where a model is one file: a GGUF file, or the first of a split one. */
  readonly single?: string | undefined;
  /** `true` where opening a file downloads all of it, unless its front alone is asked for. */
  readonly remote?: boolean | undefined;
  /** Returns the value of a JSON file, where that need not be parsed. Throws NOT_FOUND as `open` does. */
  json?(file: string, options?: OpenOptions): Promise<unknown>;
  /** Returns this folder over changed underlying folders: for observers of files. */
  over?(change: (folder: Folder) => Folder): Folder;
  /** Weights of the folder, where they are not in safetensors files. */
  readonly weights?: Checkpoint | undefined;
}

/** Splits the path or URL of a GGUF file into its folder and the file's name there; undefined for any other location. */
export function fileIn(location: string): { folder: string; file: string } | undefined {
  const [, before = '', file, query = ''] = /^(.*?)([^/\\?#]+\.gguf)([?#].*)?$/is.exec(location) ?? [];
  if (file === undefined) return undefined;
  const isUrl = /^[a-z][a-z\d+.-]+:/i.test(location);
  return { folder: (before || '.') + query, file: isUrl ? decoded(file) : file };
}

function decoded(file: string): string {
  try {
    return decodeURIComponent(file);
  } catch {
    return file;
  }
}

/** Returns a folder whose model is one file. */
export const singled = (folder: Folder, single: string): Folder => ({
  name: shown(folder.locate(single)),
  single,
  remote: folder.remote,
  locate: (file) => folder.locate(file),
  open: (file, options) => folder.open(file, options),
  ...(folder.list && { list: (options) => (folder.list as NonNullable<Folder['list']>)(options) }),
});

/** Returns the folder at a path or URL. */
export function folderAt(runtime: Runtime, location: string): Folder {
  if (typeof location !== 'string' || location === '')
    throw new HeedError('ARGUMENT', `There is no folder ${kindOf(location)}`, { culprit: 'model', cure: 'Give a path or a URL' });
  const one = fileIn(location);
  if (one) return singled(folderAt(runtime, one.folder), one.file);
  const locate = (file: string) => runtime.join(location, file);
  return { name: shown(location), locate, open: async (file, options) => runtime.open(locate(file), options) };
}

export const isFolder = (model: unknown): model is Folder => typeof (model as Partial<Folder> | undefined)?.open === 'function';

/** Returns the folder at a path or URL; a folder is returned as it is. */
export const folderOf = (runtime: Runtime, model: string | Folder): Folder => (isFolder(model) ? model : folderAt(runtime, model));
