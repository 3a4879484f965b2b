/**
 * A model's files that a program gives directly: files that a user chose in a page, or bytes, blobs, streams and addresses by their names. The types ask for no more
 * than is used, so that they fit any runtime's.
 */
import { HeedError, kindOf } from '../errors.js';
import type { StreamLike } from '../pieces.js';
import type { ByteStream, OpenOptions, Runtime } from '../runtime/types.js';
import { byteStream, onceStream } from './bytes.js';
import type { Folder } from './folder.js';
import { partNames } from './gguf_parts.js';
import { readAll } from './json.js';

/** Blob or File. */
export interface BlobLike {
  readonly size: number;
  slice(begin: number, end: number): { arrayBuffer(): Promise<ArrayBuffer> };
}

/** File, named by `webkitRelativePath` where a whole folder was chosen. */
export interface FileLike extends BlobLike {
  readonly name: string;
  readonly webkitRelativePath?: string;
}

export type { StreamLike };

/** Content of a file, or its address. */
export type ModelFile =
  | BlobLike
  | Uint8Array
  | ArrayBuffer
  | StreamLike
  | string
  | {
      /** Address of a URL. */
      readonly href: string;
    };

/** Files chosen in `<input type="file" webkitdirectory>`, or files by their names: `config.json`, `model.safetensors`, `1_Pooling/config.json`. */
export type ModelFiles = ArrayLike<FileLike> | ReadonlyMap<string, ModelFile> | Readonly<Record<string, ModelFile>>;

/** Kinds of file: the test for each, and its conversion to a function that opens it, more than once where possible. */
const kinds: readonly { fits(file: never): boolean; opens(file: never, name: string, runtime: Runtime): Folder['open'] }[] = [
  { fits: (file: unknown) => file instanceof Uint8Array, opens: (file: Uint8Array, name) => async () => byteStream(file, name) },
  {
    fits: (file: unknown) => file instanceof ArrayBuffer,
    opens: (file: ArrayBuffer, name) => async () => byteStream(new Uint8Array(file), name),
  },
  {
    fits: (file: Partial<BlobLike>) => typeof file.size === 'number' && typeof file.slice === 'function',
    opens: (file: BlobLike, name) => async (_, options) => blobStream(file, name, options),
  },
  {
    fits: (file: Partial<StreamLike>) => typeof file.getReader === 'function',
    // The model and the tokenizer both read config.json.
    opens: (file: StreamLike, name) => (name === 'config.json' ? kept(onceStream(file, name), name) : onceStream(file, name)),
  },
  {
    fits: (file: unknown) => addressOf(file) !== undefined,
    opens: (file: unknown, _, runtime) => async (_, options) => runtime.open(runtime.resolve(addressOf(file) as string), options),
  },
];

/** `true` for one file, not several by their names. */
export const isFile = (given: object): given is Exclude<ModelFile, string> => kinds.some(({ fits }) => fits(given as never));

/** Text of an address, which may be a URL. */
export const addressOf = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : typeof (value as { href?: unknown } | undefined)?.href === 'string' ? (value as URL).href : undefined;

/** Returns files by their names in the model's folder. Throws ARGUMENT for other values. */
export function filesIn(given: ModelFiles): Record<string, ModelFile> {
  if (given instanceof Map) return Object.fromEntries(given);
  if (typeof (given as ArrayLike<FileLike>).length !== 'number') return { ...(given as Record<string, ModelFile>) };
  const files = Array.from(given as ArrayLike<FileLike>, (file) => [file?.webkitRelativePath || file?.name, file] as const);
  // The model's folder is that of the nearest config.json; the folders above are dropped from the names.
  const roots = files.map(([path]) => /^(.*\/)?config\.json$/.exec(path ?? '')).flatMap((found) => found && [found[1] ?? '']);
  const [root = ''] = roots.filter((path) => path !== null).sort((a, b) => a.split('/').length - b.split('/').length);
  return Object.fromEntries(files.filter(([path]) => path?.startsWith(root)).map(([path, file]) => [`${path}`.slice(root.length), file]));
}

/** Returns a folder of given files. Throws ARGUMENT for a value that is no file. */
export function givenFolder(runtime: Runtime, files: Readonly<Record<string, ModelFile>>): Folder {
  const opens = new Map<string, Folder['open']>();
  for (const [name, file] of Object.entries(files)) {
    const kind = typeof file === 'object' || typeof file === 'string' ? file && kinds.find(({ fits }) => fits(file as never)) : undefined;
    if (!kind)
      throw new HeedError('ARGUMENT', `The file ${name} is ${kindOf(file)}`, {
        culprit: name,
        cure: 'Give a Blob, a Uint8Array, an ArrayBuffer, a ReadableStream or a URL',
      });
    opens.set(name, kind.opens(file as never, name, runtime));
  }
  const names = [...opens.keys()];
  return {
    name: 'the files that were given',
    ...singleOf(names),
    locate: (file) => file,
    async open(file, options) {
      options?.signal?.throwIfAborted();
      const open = opens.get(file);
      if (open) return open(file, options);
      const some = names.slice(0, 5).join(', ');
      throw new HeedError('NOT_FOUND', `There is no ${file} among the files that were given (${some || 'none'})`, { culprit: file });
    },
    list: async () => names,
  };
}

/** Returns the model's single file, where all files are one GGUF file, or the parts of one. */
function singleOf(names: readonly string[]): { single: string } | undefined {
  const [first] = [...names].sort();
  if (!first?.toLowerCase().endsWith('.gguf')) return undefined;
  const parts = partNames(first);
  return names.every((name) => parts.includes(name)) ? { single: first } : undefined;
}

/** Returns the streams among files, which must be transferred to a worker, not copied. */
export const transfersIn = (files: Readonly<Record<string, unknown>>): object[] =>
  Object.values(files).filter((file): file is object => typeof (file as Partial<StreamLike> | null)?.getReader === 'function');

function blobStream(blob: BlobLike, name: string, { signal }: OpenOptions = {}): ByteStream {
  let at = 0;
  return {
    name,
    size: blob.size,
    async read(target) {
      signal?.throwIfAborted();
      const piece = await blob
        .slice(at, at + target.length)
        .arrayBuffer()
        .catch((cause: unknown) => {
          throw new HeedError('NOT_FOUND', `${name} cannot be read any more: it has changed, or is gone`, { culprit: name, cause });
        });
      target.set(new Uint8Array(piece));
      at += piece.byteLength;
      return piece.byteLength;
    },
    async close() {},
  };
}

/** Makes a stream that can be read once open any number of times. */
function kept(open: Folder['open'], name: string): Folder['open'] {
  let bytes: Promise<Uint8Array> | undefined;
  return async (file) => {
    bytes ??= open(file).then(readAll);
    return byteStream(await bytes, name);
  };
}
