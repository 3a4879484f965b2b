/**
 * GGUF: metadata, and a table of tensors, at the front of a file of tensors, as llama.cpp and related programs write them. No number in a file is trusted: every
 * count and length is checked against the possible size of the file, and memory grows with the bytes that arrive. Metadata of a large vocabulary is megabytes of
 * short strings, so that it is parsed as it arrives, from windows of the buffers through which tensors pass later. Format:
 * https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 */
import { HeedError } from '../errors.js';
import type { ByteStream } from '../runtime/types.js';
import { concatenated } from './bytes.js';
import { GgufTexts, lengthAt } from './gguf_texts.js';
import { malformed, quote } from './header.js';
import { shown } from './location.js';
import { Staging } from './staging.js';
import { TensorFile } from './tensor_file.js';
import type { Header, TensorInfo } from './weights.js';

/** Value of a key of the metadata: whole numbers beyond 2^53 are bigints; lists of numbers are typed arrays, lists of texts are decoded on demand. */
export type GgufValue = number | bigint | boolean | string | readonly GgufValue[] | GgufTexts | GgufNumbers;
export type GgufNumbers = Uint8Array | Int8Array | Uint16Array | Int16Array | Uint32Array | Int32Array | Float32Array | Float64Array;
export type GgufMetadata = ReadonlyMap<string, GgufValue>;
export type GgufFile = TensorFile<GgufMetadata>;

/** Types of tensors by their numbers in files (ggml_type in ggml.h): name, elements of a block, bytes of a block. */
const tensorTypes: Readonly<Record<number, readonly [name: string, elements: number, bytes: number]>> = {
  ...{ 0: ['F32', 1, 4], 1: ['F16', 1, 2], 30: ['BF16', 1, 2], 28: ['F64', 1, 8] },
  ...{ 24: ['I8', 1, 1], 25: ['I16', 1, 2], 26: ['I32', 1, 4], 27: ['I64', 1, 8] },
  ...{ 2: ['Q4_0', 32, 18], 3: ['Q4_1', 32, 20], 6: ['Q5_0', 32, 22], 7: ['Q5_1', 32, 24], 8: ['Q8_0', 32, 34], 9: ['Q8_1', 32, 40] },
  ...{ 10: ['Q2_K', 256, 84], 11: ['Q3_K', 256, 110], 12: ['Q4_K', 256, 144], 13: ['Q5_K', 256, 176], 14: ['Q6_K', 256, 210] },
  ...{ 15: ['Q8_K', 256, 292], 16: ['IQ2_XXS', 256, 66], 17: ['IQ2_XS', 256, 74], 18: ['IQ3_XXS', 256, 98], 19: ['IQ1_S', 256, 50] },
  ...{ 20: ['IQ4_NL', 32, 18], 21: ['IQ3_S', 256, 110], 22: ['IQ2_S', 256, 82], 23: ['IQ4_XS', 256, 136], 29: ['IQ1_M', 256, 56] },
  ...{ 34: ['TQ1_0', 256, 54], 35: ['TQ2_0', 256, 66], 39: ['MXFP4', 32, 17], 40: ['NVFP4', 64, 36], 41: ['Q1_0', 128, 18] },
};

/** Names of the types whose size is known; the loader decides which of them become weights. */
const kinds = Object.values(tensorTypes).map(([name]) => name);

/** Magic number of the format: "GGUF". */
const MAGIC = 0x46554747;
/** Limits of a file: the largest known have some 50 keys, 2,000 tensors, and 40 MB before the first tensor. */
const MOST = { keys: 1 << 16, tensors: 1 << 20, header: 1 << 28, name: 1 << 16, axes: 4, depth: 4 } as const;

/** Number types of the metadata: bytes of a number, its reader, and the class of lists. */
const numbers: Readonly<Record<number, readonly [bytes: number, read: (at: DataView) => number | bigint, list?: NumbersClass]>> = {
  0: [1, (at) => at.getUint8(0), Uint8Array],
  1: [1, (at) => at.getInt8(0), Int8Array],
  2: [2, (at) => at.getUint16(0, true), Uint16Array],
  3: [2, (at) => at.getInt16(0, true), Int16Array],
  4: [4, (at) => at.getUint32(0, true), Uint32Array],
  5: [4, (at) => at.getInt32(0, true), Int32Array],
  6: [4, (at) => at.getFloat32(0, true), Float32Array],
  10: [8, (at) => at.getBigUint64(0, true)],
  11: [8, (at) => at.getBigInt64(0, true)],
  12: [8, (at) => at.getFloat64(0, true), Float64Array],
};
type NumbersClass = new (buffer: ArrayBuffer) => GgufNumbers;
const [BOOL, STRING, ARRAY] = [7, 8, 9];

/** Contents of a file in front of its tensors. */
export interface GgufFront extends Header<GgufMetadata> {
  /** Number of bytes before the first tensor. */
  readonly data: number;
  /** Number of bytes of the file, where that is told. */
  readonly size: number | undefined;
}

/**
 * Reads and checks metadata and the table of tensors, or skips them where they are known. Closes the stream if that fails; else the file's `close` does. Throws
 * FORMAT, UNSUPPORTED.
 */
export async function openGguf(stream: ByteStream, known?: GgufFront): Promise<GgufFile & { front: GgufFront }> {
  const staging = new Staging(stream);
  try {
    const front = known ?? (await frontOf(staging));
    if (known && (stream.size !== known.size || (await staging.skip(known.data)) < known.data))
      throw malformed(shown(stream.name), 'it has changed while it was read');
    return Object.assign(new TensorFile(staging, front, { readable: kinds, padded: true }), { front });
  } catch (error) {
    await staging.close();
    throw error;
  }
}

async function frontOf(staging: Staging): Promise<GgufFront> {
  const front = new Front(shown(staging.stream.name), staging.stream.size);
  const parsing = front.header();
  for (let window = new Uint8Array(0); ; ) {
    front.give(window);
    const { done, value } = parsing.next();
    staging.drop(done ? window.length - front.left : window.length);
    if (done) {
      const padding = -front.read & (value.alignment - 1);
      await staging.skip(padding);
      return front.placed(value, front.read + padding);
    }
    window = (await staging.window()) as typeof window;
    if (window.length === 0) throw front.malformed(`it ends within its header, after ${front.read} bytes`);
  }
}

/** Row of the table of tensors: `offset` counts from the beginning of the data. */
type Entry = Omit<TensorInfo, 'begin' | 'end'> & { offset: number };

interface Table {
  metadata: GgufMetadata;
  entries: Entry[];
  alignment: number;
}

/** Parser of the front of a file while it arrives: its generators yield where they need another window. */
class Front {
  #window: Uint8Array = new Uint8Array(0);
  #at = 0;
  /** Number of bytes read, of all windows. */
  read = 0;
  readonly #utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

  constructor(
    readonly file: string,
    readonly size: number | undefined,
  ) {}

  give(window: Uint8Array): void {
    this.#window = window;
    this.#at = 0;
  }

  /** Number of unread bytes of the window. */
  get left(): number {
    return this.#window.length - this.#at;
  }

  malformed(what: string, culprit?: string): HeedError {
    return malformed(this.file, what, culprit);
  }

  *header(): Generator<void, Table> {
    const magic = yield* this.#number(4);
    if (magic !== MAGIC) throw this.malformed('it does not begin with GGUF; it is no GGUF file');
    const version = (yield* this.#number(4)) as number;
    if (version !== 2 && version !== 3) {
      const what = version & 0xffff ? `of version ${version}` : 'written for processors of the other byte order';
      throw new HeedError('UNSUPPORTED', `${this.file}: it is ${what}`, { culprit: this.file, cure: 'heed reads versions 2 and 3' });
    }
    const tensors = yield* this.#count(MOST.tensors, 'tensors');
    const keys = yield* this.#count(MOST.keys, 'keys');
    const metadata = new Map<string, GgufValue>();
    for (let i = 0; i < keys; i++) {
      const key = yield* this.#string(MOST.name);
      if (metadata.has(key)) throw this.malformed(`its metadata give ${quote(key)} twice`, key);
      const type = (yield* this.#number(4)) as number;
      metadata.set(key, yield* this.#value(type, key));
    }
    const entries: Entry[] = [];
    const names = new Set<string>();
    for (let i = 0; i < tensors; i++) {
      const entry = yield* this.#entry();
      if (names.has(entry.name)) throw this.malformed(`it has tensor ${quote(entry.name)} twice`, entry.name);
      names.add(entry.name);
      entries.push(entry);
    }
    const alignment = metadata.get('general.alignment') ?? 32;
    if (typeof alignment !== 'number' || alignment < 8 || alignment > 1 << 20 || (alignment & (alignment - 1)) !== 0)
      throw this.malformed(`its tensors are aligned to ${String(alignment).slice(0, 30)} bytes`, 'general.alignment');
    return { metadata, entries, alignment };
  }

  /** Returns the header, after checking that the table's tensors follow each other within the file. */
  placed({ metadata, entries, alignment }: Table, data: number): GgufFront {
    entries.sort((a, b) => a.offset - b.offset);
    let end = 0;
    const tensors = entries.map(({ offset, ...entry }, i): TensorInfo => {
      const { name, block, shape } = entry;
      const bad = (what: string) => this.malformed(`tensor ${quote(name)} ${what}`, name);
      if (offset % alignment) throw bad(`begins at ${offset}, which is no multiple of ${alignment}`);
      if (offset < end) throw bad('overlaps the tensor before it');
      const [elements, bytes] = block;
      const known = (shape.reduce((n, d) => n * d, 1) / elements) * bytes;
      // The length of a tensor of an unknown type follows from its neighbour's offset.
      const length = Number.isNaN(bytes) ? (entries[i + 1]?.offset ?? (this.size ?? data + offset) - data) - offset : known;
      if (!Number.isSafeInteger(length) || length < 0) throw bad(`of shape [${shape}] has no length in bytes`);
      end = offset + length;
      if (this.size !== undefined && data + end > this.size)
        throw bad(`needs ${end} bytes of data, and the file has ${Math.max(0, this.size - data)}: it is truncated`);
      return { ...entry, begin: offset, end };
    });
    return { tensors, metadata, data, size: this.size };
  }

  *#entry(): Generator<void, Entry> {
    const name = yield* this.#string(MOST.name);
    const bad = (what: string) => this.malformed(`tensor ${quote(name)} ${what}`, name);
    const axes = (yield* this.#number(4)) as number;
    if (axes > MOST.axes) throw bad(`has ${axes} axes`);
    const shape: number[] = [];
    // The innermost axis comes first in the file.
    for (let i = 0; i < axes; i++) shape.unshift(yield* this.#count(Number.MAX_SAFE_INTEGER, `elements of ${quote(name)}`));
    const type = (yield* this.#number(4)) as number;
    const offset = yield* this.#count(Number.MAX_SAFE_INTEGER, `bytes before ${quote(name)}`);
    const [dtype, elements, bytes] = tensorTypes[type] ?? [`ggml type ${type}`, 1, Number.NaN];
    if ((shape.at(-1) ?? 1) % elements) throw bad(`has rows of ${shape.at(-1)} elements, and ${dtype} has blocks of ${elements}`);
    return { name, dtype, block: [elements, bytes], shape, offset };
  }

  *#value(type: number, key: string, depth = 0): Generator<void, GgufValue> {
    const number = numbers[type];
    if (number) return smaller(yield* this.#number(number[0], number[1]));
    if (type === BOOL) {
      const bit = yield* this.#number(1, (at) => at.getUint8(0));
      if (bit !== 0 && bit !== 1) throw this.malformed(`${quote(key)} is neither true nor false`, key);
      return bit === 1;
    }
    if (type === STRING) return yield* this.#string(MOST.header);
    if (type !== ARRAY || depth >= MOST.depth) throw this.malformed(`${quote(key)} is of type ${type}, which metadata do not have`, key);
    return yield* this.#list(key, depth);
  }

  *#list(key: string, depth: number): Generator<void, GgufValue> {
    const type = (yield* this.#number(4)) as number;
    const [bytes, , List] = numbers[type] ?? [type === STRING || type === ARRAY ? 8 : 1];
    const count = yield* this.#count(MOST.header, `members of ${quote(key)}`, bytes);
    if (List) return new List((yield* this.#bytes(count * bytes)).slice().buffer);
    if (type === STRING) return yield* this.#texts(count, key);
    const list: GgufValue[] = [];
    for (let i = 0; i < count; i++) list.push(yield* this.#value(type, key, depth + 1));
    return list;
  }

  /** Reads a list of texts as bytes, each behind its length: texts that lie wholly in the window are taken together. */
  *#texts(count: number, key: string): Generator<void, GgufTexts> {
    const pieces: Uint8Array[] = [];
    for (let passed = 0; passed < count; ) {
      const view = new DataView(this.#window.buffer, this.#window.byteOffset + this.#at, this.left);
      let end = 0;
      for (let next = 0; passed < count && end + 8 <= view.byteLength; end = next, passed++) {
        next = end + 8 + lengthAt(view, end);
        if (next > view.byteLength) break;
      }
      if (end) pieces.push((yield* this.#bytes(end)).slice());
      if (passed === count) break;
      const head = (yield* this.#bytes(8)).slice();
      const length = lengthAt(new DataView(head.buffer), 0);
      if (length > (this.size ?? MOST.header) - this.read) throw this.malformed(`it claims ${length} bytes of a string`);
      pieces.push(head, (yield* this.#bytes(length)).slice());
      passed++;
    }
    return new GgufTexts(this.file, key, count, concatenated(pieces));
  }

  *#string(most: number): Generator<void, string> {
    const bytes = yield* this.#bytes(yield* this.#count(most, 'bytes of a string', 1));
    try {
      return this.#utf8.decode(bytes);
    } catch {
      throw this.malformed('a string in its header is not UTF-8');
    }
  }

  /** Reads the count of items that take `bytes` each in the header. */
  *#count(most: number, what: string, bytes = 0): Generator<void, number> {
    const count = Number(yield* this.#number(8, (at) => at.getBigUint64(0, true)));
    const left = (this.size ?? MOST.header) - this.read;
    if (count > most || count * bytes > left) throw this.malformed(`it claims ${count} ${what}`);
    return count;
  }

  *#number(bytes: number, read: (at: DataView) => number | bigint = (at) => at.getUint32(0, true)): Generator<void, number | bigint> {
    const { buffer, byteOffset } = yield* this.#bytes(bytes);
    return read(new DataView(buffer, byteOffset, bytes));
  }

  /** Takes the next bytes: a view of the window, or a copy where they span several. */
  *#bytes(count: number): Generator<void, Uint8Array> {
    if (this.read + count > MOST.header) throw this.malformed(`its header has more than ${MOST.header} bytes`);
    if (count <= this.left) return this.#take(count);
    const pieces: Uint8Array[] = [];
    for (let left = count; left > 0; ) {
      if (this.left === 0) yield;
      const piece = this.#take(Math.min(left, this.left));
      pieces.push(piece.slice());
      left -= piece.length;
    }
    return concatenated(pieces);
  }

  #take(count: number): Uint8Array {
    const bytes = this.#window.subarray(this.#at, this.#at + count);
    this.#at += count;
    this.read += count;
    return bytes;
  }
}

const smaller = (value: number | bigint): number | bigint =>
  typeof value === 'bigint' && value >= -BigInt(Number.MAX_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)
    ? Number(value)
    : value;
