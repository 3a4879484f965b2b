/**
 * A model's files by their names, wherever they are: in a folder of a disk, below an address, or where somebody else keeps them. Whoever reads a model
 * asks a Folder, and so need not know.
 */
import { HeedError, kindOf } from '../errors.js';
import type { ByteStream, OpenOptions, Runtime } from '../runtime/types.js';
import { shown } from './location.js';
import type { Checkpoint } from './weights.js';

export interface Folder {
  /** For messages. */
  readonly name: string;
  /** Where a file is, for messages. */
  locate(file: string): string;
  /** Throws NOT_FOUND where there is no such file, NETWORK where it cannot be had. */
  open(file: string, options?: OpenOptions): Promise<ByteStream>;
  /** The names of all files, those of folders inside with a slash. Absent where they cannot be told. */
  list?(options?: OpenOptions): Promise<readonly string[]>;
  /** The file that is meant, where a model is one file: a GGUF file, or the first of a split one. */
  readonly single?: string | undefined;
  /** Whether a file is downloaded as a whole when it is opened, and its front is not. */
  readonly remote?: boolean | undefined;
  /** What a JSON file of it holds, where that need not be parsed. Throws NOT_FOUND as `open` does. */
  json?(file: string, options?: OpenOptions): Promise<unknown>;
  /** The same, made of other folders than those that it is made of: for whoever wants to hear of files. */
  over?(change: (folder: Folder) => Folder): Folder;
  /** Its weights, where they are no safetensors files of it. */
  readonly weights?: Checkpoint | undefined;
}

/** A path or URL of a GGUF file as its folder and the file's name there; undefined for any other. */
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

/** A folder of which one file is meant. */
export const singled = (folder: Folder, single: string): Folder => ({
  name: shown(folder.locate(single)),
  single,
  remote: folder.remote,
  locate: (file) => folder.locate(file),
  open: (file, options) => folder.open(file, options),
  ...(folder.list && { list: (options) => (folder.list as NonNullable<Folder['list']>)(options) }),
});

/** The folder at a path or URL. */
export function folderAt(runtime: Runtime, location: string): Folder {
  if (typeof location !== 'string' || location === '')
    throw new HeedError('ARGUMENT', `There is no folder ${kindOf(location)}`, { culprit: 'model', cure: 'Give a path or a URL' });
  const one = fileIn(location);
  if (one) return singled(folderAt(runtime, one.folder), one.file);
  const locate = (file: string) => runtime.join(location, file);
  return { name: shown(location), locate, open: async (file, options) => runtime.open(locate(file), options) };
}

export const isFolder = (model: unknown): model is Folder => typeof (model as Partial<Folder> | undefined)?.open === 'function';

/** The same, or a folder as it is. */
export const folderOf = (runtime: Runtime, model: string | Folder): Folder => (isFolder(model) ? model : folderAt(runtime, model));
