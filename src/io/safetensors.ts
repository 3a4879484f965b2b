/**
 * A safetensors file, read once from front to back: the header first, then each tensor's bytes in chunks that hold whole
 * rows, so that 90 MB pass through 2 MiB of memory. The caller visits tensors in the file's order and may leave out any;
 * what becomes of the bytes is up to it. checkpoint.ts reads models that consist of one such file or several.
 */
import { HeedError } from '../errors.js';
import type { ByteStream } from '../runtime/types.js';
import { concatenated } from './bytes.js';
import { bytesPerElement, type Header, malformed, parseHeader, quote, readable, type TensorInfo } from './header.js';
import { shown } from './location.js';
import { type Consume, Staging } from './staging.js';

export type { Dtype, TensorInfo } from './header.js';
export type { Consume } from './staging.js';

/** As in the reference implementation. */
const LONGEST_HEADER = 100_000_000;

export interface ReadOptions {
  /**
   * Bytes of a row: every chunk but the last is a multiple of it. A multiple of the element's size, which is the default.
   * Up to 256 KiB it costs nothing; beyond, each chunk is one row, copied together.
   */
  granularity?: number;
}

export class SafetensorsFile {
  readonly name: string;
  /** In the order of the file, which is the order in which they must be visited. */
  readonly tensors: readonly TensorInfo[];
  readonly header: ReadonlyMap<string, TensorInfo>;
  readonly metadata: ReadonlyMap<string, string>;
  /** Bytes of all tensors together. */
  readonly size: number;
  readonly #staging: Staging;
  #position = 0;
  #busy = false;
  #closed: Promise<void> | undefined;

  private constructor(staging: Staging, tensors: readonly TensorInfo[], metadata: ReadonlyMap<string, string>) {
    this.name = shown(staging.stream.name);
    this.tensors = tensors;
    this.header = new Map(tensors.map((tensor) => [tensor.name, tensor]));
    this.metadata = metadata;
    this.size = tensors.at(-1)?.end ?? 0;
    this.#staging = staging;
  }

  /** Reads and checks the header. Closes the stream if that fails; else `close` does. */
  static async open(stream: ByteStream): Promise<SafetensorsFile> {
    const staging = new Staging(stream);
    try {
      const { tensors, metadata } = await headerOf(stream, (bytes) => staging.copy(bytes));
      return new SafetensorsFile(staging, tensors, metadata);
    } catch (error) {
      await staging.close();
      throw error;
    }
  }

  /** Hands a tensor's bytes to `consume`, chunk by chunk; the next read is under way meanwhile. Tensors in between are passed over. */
  async read(tensor: TensorInfo, consume: Consume, { granularity }: ReadOptions = {}): Promise<void> {
    const { name, dtype, begin, end } = tensor;
    if (!readable.includes(dtype)) {
      const message = `${this.name}: tensor ${quote(name)} is ${dtype}; heed reads ${readable.join(', ')}`;
      throw new HeedError('UNSUPPORTED', message, { culprit: name, shape: tensor.shape });
    }
    const row = granularity ?? bytesPerElement(dtype);
    if (!Number.isSafeInteger(row) || row < 1 || row % bytesPerElement(dtype))
      throw misuse(`granularity ${row} does not hold whole elements of ${dtype}`, 'granularity');
    if (this.#busy) throw misuse(`${this.name}: another tensor is being read`, name);
    if (begin < this.#position)
      throw misuse(`${this.name}: tensor ${quote(name)} has been passed; visit tensors in the file's order`, name);
    this.#busy = true;
    try {
      const skipped = await this.#staging.skip(begin - this.#position);
      const passed = this.#position + skipped < begin ? 0 : await this.#staging.pass(end - begin, row, consume);
      this.#position = end;
      if (passed < end - begin) throw malformed(this.name, `it ends within tensor ${quote(name)}, which is truncated`, name);
    } finally {
      this.#busy = false;
    }
  }

  /**
   * Throws FORMAT for bytes behind the last tensor: those that are there may then be others' too. Where the stream told its length,
   * that is known already; else what is left is passed over.
   */
  async end(): Promise<void> {
    if (this.#staging.stream.size !== undefined) return;
    const left = this.size - this.#position;
    const skipped = await this.#staging.skip(left);
    this.#position = this.size;
    if (skipped < left) throw malformed(this.name, `it ends ${left - skipped} bytes before its last tensor does`);
    if ((await this.#staging.copy(1)).length) throw malformed(this.name, 'it goes on where its header says that it ends');
  }

  /** All bytes of a tensor, for small ones and for tests. */
  async bytes(tensor: TensorInfo): Promise<Uint8Array> {
    const whole = new Uint8Array(tensor.end - tensor.begin);
    await this.read(tensor, (chunk, offset) => whole.set(chunk, offset));
    return whole;
  }

  /** May be called more than once. */
  close(): Promise<void> {
    this.#closed ??= this.#staging.close();
    return this.#closed;
  }
}

/** The header alone, of a stream that is read no further. */
export function readHeader(stream: ByteStream): Promise<Header> {
  return headerOf(stream, async (bytes) => {
    const pieces: Uint8Array[] = [];
    // Memory grows with what arrives, not with what was asked for.
    for (let left = bytes; left > 0; ) {
      const piece = new Uint8Array(Math.min(left, 1 << 16));
      const count = await stream.read(piece);
      if (count === 0) break;
      pieces.push(piece.subarray(0, count));
      left -= count;
    }
    return concatenated(pieces);
  });
}

/** Takes the header from the front of a stream, and checks it. */
async function headerOf({ size, name: location }: ByteStream, next: (bytes: number) => Promise<Uint8Array>): Promise<Header> {
  const name = shown(location);
  const length = headerLength(await next(8), name);
  if (size !== undefined && length > size - 8) throw malformed(name, `its header of ${length} bytes is longer than the file`);
  const bytes = await next(length);
  if (bytes.length < length) throw malformed(name, `it ends within the header, after ${8 + bytes.length} bytes`);
  const header = parseHeader(bytes, name);
  if (size !== undefined) checkSize(header.tensors, size - 8 - length, name);
  return header;
}

/** The file begins with the header's length, a 64-bit little-endian integer. */
function headerLength(bytes: Uint8Array, file: string): number {
  if (bytes.length < 8) throw malformed(file, `it has ${bytes.length} bytes, too few for a safetensors file`);
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  if (length > LONGEST_HEADER) throw malformed(file, 'it does not begin with the length of a header; it is not a safetensors file');
  return length;
}

/** The header must account for every byte of the file. */
function checkSize(tensors: readonly TensorInfo[], available: number, file: string): void {
  const end = tensors.at(-1)?.end ?? 0;
  const cut = tensors.find((tensor) => tensor.end > available);
  if (cut)
    throw malformed(
      file,
      `it is truncated within tensor ${quote(cut.name)}: ${available} bytes of data where the header describes ${end}`,
      cut.name,
    );
  if (end < available) throw malformed(file, `it has ${available - end} bytes that its header does not describe`);
}

const misuse = (message: string, culprit: string) => new HeedError('ARGUMENT', message, { culprit });
