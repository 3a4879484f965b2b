/**
 * A file of tensors, read once from front to back: its header is known when it is opened, and the tensors' bytes follow, in chunks of whole rows, so that 90 MB pass
 * through half a mebibyte of memory. The caller visits tensors in the file's order, may leave out any, and uses the bytes as it likes. safetensors.ts and gguf.ts
 * open files, checkpoint.ts reads models that consist of one or several.
 */
import { HeedError } from '../errors.js';
import { malformed, quote } from './header.js';
import { shown } from './location.js';
import type { Consume, Staging } from './staging.js';
import type { Header, ReadOptions, TensorInfo } from './weights.js';

export interface TensorFileKind {
  /** Element types that heed reads. */
  readable: readonly string[];
  /** `true` where bytes may follow the last tensor. */
  padded: boolean;
}

export class TensorFile<Metadata = unknown> {
  readonly name: string;
  /** Tensors in the order of the file, in which they must be visited. */
  readonly tensors: readonly TensorInfo[];
  readonly header: ReadonlyMap<string, TensorInfo>;
  readonly metadata: Metadata;
  /** Number of bytes of all tensors together, gaps between them included. */
  readonly size: number;
  readonly #staging: Staging;
  readonly #readable: readonly string[];
  readonly #padded: boolean;
  #position = 0;
  #busy = false;
  #closed: Promise<void> | undefined;

  /** Reads from `staging`, which is positioned behind the header, where tensors' offsets are counted from. */
  constructor(staging: Staging, { tensors, metadata }: Header<Metadata>, { readable, padded }: TensorFileKind) {
    this.name = shown(staging.stream.name);
    this.tensors = tensors;
    this.header = new Map(tensors.map((tensor) => [tensor.name, tensor]));
    this.metadata = metadata;
    this.size = tensors.at(-1)?.end ?? 0;
    this.#staging = staging;
    this.#readable = readable;
    this.#padded = padded;
  }

  /** Passes a tensor's bytes to `consume`, chunk by chunk, while the next read is under way. Tensors in between are skipped. */
  async read(tensor: TensorInfo, consume: Consume, { granularity }: ReadOptions = {}): Promise<void> {
    const { name, dtype, block, begin, end } = tensor;
    if (!this.#readable.includes(dtype)) {
      const message = `${this.name}: tensor ${quote(name)} is ${dtype}; heed reads ${this.#readable.join(', ')}`;
      throw new HeedError('UNSUPPORTED', message, { culprit: name, shape: tensor.shape });
    }
    const row = granularity ?? block[1];
    if (!Number.isSafeInteger(row) || row < 1 || row % block[1])
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
   * Throws FORMAT for bytes behind the last tensor: the file is then not the one that its header describes. Where the stream told its length, that is checked
   * already; else the rest is skipped.
   */
  async end(): Promise<void> {
    if (this.#staging.stream.size !== undefined) return;
    const left = this.size - this.#position;
    const skipped = await this.#staging.skip(left);
    this.#position = this.size;
    if (skipped < left) throw malformed(this.name, `it ends ${left - skipped} bytes before its last tensor does`);
    if (!this.#padded && (await this.#staging.copy(1)).length) throw malformed(this.name, 'it goes on where its header says that it ends');
  }

  /** Reads all bytes of a tensor, for small ones and for tests. */
  async bytes(tensor: TensorInfo): Promise<Uint8Array> {
    const whole = new Uint8Array(tensor.end - tensor.begin);
    await this.read(tensor, (chunk, offset) => whole.set(chunk, offset));
    return whole;
  }

  /** Closes the file; may be called more than once. */
  close(): Promise<void> {
    this.#closed ??= this.#staging.close();
    return this.#closed;
  }
}

const misuse = (message: string, culprit: string) => new HeedError('ARGUMENT', message, { culprit });
