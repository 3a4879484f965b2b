/**
 * JSON files of a model's folder: reads one whole, and checks the members that are asked for, so that a missing one, or one of the wrong kind, becomes a FORMAT
 * error that names file and place. Every config, tokenizer and index is read through this file.
 */
import { HeedError, kindOf } from '../errors.js';
import type { ByteStream, OpenOptions } from '../runtime/types.js';
import type { Folder } from './folder.js';
import { shown } from './location.js';

/** Limit of a JSON file, in bytes. The largest tokenizers known have 35 MB. */
const LIMIT = 1 << 28;

export type JsonObject = { readonly [key: string]: unknown };

export const isObject = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value);

export interface ReadJsonOptions extends OpenOptions {
  /** `true` where a missing file gives undefined. */
  optional?: boolean;
}

/** Reads and parses a file of a folder. Throws NOT_FOUND where it is missing, FORMAT where it is not JSON. */
export async function readJson(folder: Folder, file: string, options: ReadJsonOptions = {}): Promise<unknown> {
  if (folder.json) return unlessMissing(folder.json(file, options), options);
  const bytes = await readFile(folder, file, options);
  return bytes && parseJson(bytes, folder.locate(file));
}

/** Reads a file of a folder as it is, up to the limit of JSON files. Throws NOT_FOUND where it is missing, unless it is optional. */
export async function readFile(folder: Folder, file: string, { optional, signal }: ReadJsonOptions = {}): Promise<Uint8Array | undefined> {
  if (signal !== undefined && typeof signal?.throwIfAborted !== 'function')
    throw new HeedError('ARGUMENT', `signal is ${kindOf(signal)}`, { culprit: 'signal', cure: 'It must be an AbortSignal' });
  const stream = await unlessMissing(folder.open(file, { signal }), { optional });
  if (!stream) return undefined;
  try {
    return await readAll(stream);
  } finally {
    await stream.close();
  }
}

/** Awaits a file; undefined for an optional file that is missing. */
async function unlessMissing<T>(coming: Promise<T>, { optional }: { optional?: boolean | undefined }): Promise<T | undefined> {
  try {
    return await coming;
  } catch (error) {
    if (optional && error instanceof HeedError && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
}

/** Waits as Promise.all does, but where one promise fails it waits for the others too: no caller hears of a failure while a file is open. */
export async function allOf<Results extends unknown[]>(reads: { [I in keyof Results]: Promise<Results[I]> }): Promise<Results> {
  await Promise.allSettled(reads);
  return (await Promise.all(reads)) as Results;
}

/** Parses bytes as UTF-8 and JSON; `location` is named in errors. */
export function parseJson(bytes: Uint8Array, location: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    // The error need not be a SyntaxError: some engines run out of stack in deeply nested text.
    const why = error instanceof Error ? error.message : String(error);
    const file = shown(location);
    throw new HeedError('FORMAT', `${file} is not valid JSON (${why})`, { culprit: file, cause: error });
  }
}

/** Reads all of a stream, up to the limit of JSON files. */
export async function readAll(stream: ByteStream): Promise<Uint8Array> {
  // The buffer has one byte more than expected, so that the end shows without growing.
  let bytes = new Uint8Array(Math.min(stream.size ?? 1 << 16, LIMIT) + 1);
  for (let length = 0; ; ) {
    const count = await stream.read(bytes.subarray(length));
    length += count;
    if (count === 0) return bytes.subarray(0, length);
    if (length > LIMIT)
      throw new HeedError('FORMAT', `${shown(stream.name)} is too large for a JSON file`, { culprit: shown(stream.name) });
    if (length === bytes.length) {
      const larger = new Uint8Array(2 * length);
      larger.set(bytes);
      bytes = larger;
    }
  }
}

/** Object of a JSON file, with checked access to its members. Absent and null are the same; with a second argument a member may be absent, and has that default. */
export class JsonNode {
  constructor(
    readonly file: string,
    readonly path: string,
    readonly value: JsonObject,
  ) {}

  /** Wraps the value of a file; `location` is named in errors. */
  static of(location: string, value: unknown, path = ''): JsonNode {
    const file = shown(location);
    if (!isObject(value)) throw malformed(file, path, 'must be an object');
    return new JsonNode(file, path, value);
  }

  /** Returns a member of any kind. Inherited names, `__proto__` and `constructor` among them, are absent. */
  get(key: string): unknown {
    return Object.hasOwn(this.value, key) ? (this.value[key] ?? undefined) : undefined;
  }

  string<T = never>(key: string, ...absent: [T?]): string | T {
    return this.#read(key, absent, 'a string', (value): value is string => typeof value === 'string');
  }

  boolean<T = never>(key: string, ...absent: [T?]): boolean | T {
    return this.#read(key, absent, 'true or false', (value): value is boolean => typeof value === 'boolean');
  }

  /** Returns a whole number from 0 up to `most`. */
  integer<T = never>(key: string, most: number, ...absent: [T?]): number | T {
    const fits = (value: unknown): value is number => Number.isInteger(value) && (value as number) >= 0 && (value as number) <= most;
    return this.#read(key, absent, `a whole number from 0 to ${most}`, fits);
  }

  array<T = never>(key: string, ...absent: [T?]): readonly unknown[] | T {
    return this.#read(key, absent, 'a list', (value): value is readonly unknown[] => Array.isArray(value));
  }

  object(key: string): JsonNode {
    return JsonNode.of(this.file, this.get(key), this.#at(key));
  }

  /** Returns a list of objects; an absent member is an empty list. */
  objects(key: string): JsonNode[] {
    return this.array(key, []).map((value, i) => JsonNode.of(this.file, value, `${this.#at(key)}[${i}]`));
  }

  error(what: string): HeedError {
    return malformed(this.file, this.path, what);
  }

  #at(key: string): string {
    return this.path ? `${this.path}.${key}` : key;
  }

  #read<V, T>(key: string, absent: [T?], kind: string, fits: (value: unknown) => value is V): V | T {
    const value = this.get(key);
    if (fits(value)) return value;
    if (value === undefined && absent.length) return absent[0] as T;
    throw malformed(this.file, this.#at(key), `must be ${kind}`);
  }
}

function malformed(file: string, path: string, what: string): HeedError {
  return new HeedError('FORMAT', `${file}: ${path || 'its content'} ${what}`, { culprit: path || file });
}
