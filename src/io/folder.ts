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
  /** The file that it consists of, where it is one file. */
  readonly single?: string | undefined;
  /** Its weights, where they are no safetensors files of it. */
  readonly weights?: Checkpoint | undefined;
}

/** The folder at a path or URL. */
export function folderAt(runtime: Runtime, location: string): Folder {
  if (typeof location !== 'string' || location === '')
    throw new HeedError('ARGUMENT', `There is no folder ${kindOf(location)}`, { culprit: 'model', cure: 'Give a path or a URL' });
  const file = /[^/\\]+\.gguf$/i.exec(location.replace(/[?#].*$/, ''))?.[0];
  if (file) return fileAt(runtime, location, file);
  const locate = (file: string) => runtime.join(location, file);
  return { name: shown(location), locate, open: async (file, options) => runtime.open(locate(file), options) };
}

/** A file as a folder that holds nothing else. */
function fileAt(runtime: Runtime, location: string, single: string): Folder {
  return {
    name: shown(location),
    single,
    locate: () => location,
    async open(file, options) {
      if (file === single) return runtime.open(location, options);
      throw new HeedError('NOT_FOUND', `${shown(location)} is a file, and has no ${file}`, { culprit: file });
    },
    list: async () => [single],
  };
}

export const isFolder = (model: unknown): model is Folder => typeof (model as Partial<Folder> | undefined)?.open === 'function';

/** The same, or a folder as it is. */
export const folderOf = (runtime: Runtime, model: string | Folder): Folder => (isFolder(model) ? model : folderAt(runtime, model));
