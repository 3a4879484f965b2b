/**
 * The bounded passage from a ByteStream to its consumer: two buffers of 256 KiB, of which one fills while the other is read. It hands out chunks of whole rows,
 * without copying except for a row that straddles the two. safetensors.ts interprets the bytes.
 */
import { HeedError } from '../errors.js';
import type { ByteStream } from '../runtime/types.js';
import { concatenated } from './bytes.js';
import { shown } from './location.js';

/** Bytes of a buffer, and so of a chunk: a mebibyte is no faster, and takes 3 MB more at the peak, here and in the engine. */
export const BUFFER = 1 << 18;

/**
 * Offset of a buffer in its memory. Large allocations begin 0 or 16 bytes into a page, and on AMD's Zen 3 and 4 the kernel's copy out of the page cache to such an
 * address is six times slower: 90 MB take 8 ms at offset 64, 45 ms at 0.
 */
const OFFSET = 64;

/** Bytes of the longest row that is assembled in memory. */
const LONGEST_ROW = 1 << 28;

/** Consumer of a chunk that begins `offset` bytes into the tensor. The bytes are valid only until the consumer returns, or its promise settles. */
export type Consume = (chunk: Uint8Array, offset: number) => void | Promise<void>;

export class Staging {
  /** Unread rest of the buffer in use. */
  #window: Uint8Array = new Uint8Array(0);
  /** Buffers: the one in use, and the one being filled. */
  #front: Uint8Array;
  #back: Uint8Array;
  #filling: Promise<number>;
  #row: Uint8Array = new Uint8Array(0);

  constructor(readonly stream: ByteStream) {
    const bytes = Math.max(1, Math.min(BUFFER, stream.size ?? BUFFER));
    this.#front = new Uint8Array(new ArrayBuffer(OFFSET + bytes), OFFSET);
    this.#back = new Uint8Array(new ArrayBuffer(OFFSET + bytes), OFFSET);
    this.#filling = this.#fill(this.#back);
  }

  /** Passes the next `bytes` on in chunks of whole rows of `row` bytes; only the last may be shorter. Returns the number of bytes before the end. */
  async pass(bytes: number, row: number, consume: Consume): Promise<number> {
    let offset = 0;
    while (offset < bytes) {
      if (this.#window.length === 0 && !(await this.#advance())) break;
      const left = bytes - offset;
      const here = Math.min(left, this.#window.length);
      const whole = here === left ? left : here - (here % row);
      const chunk = whole ? this.#take(whole) : await this.#straddling(Math.min(row, left));
      if (!chunk) break;
      const busy = consume(chunk, offset);
      if (busy) await busy;
      offset += chunk.length;
    }
    return offset;
  }

  /** Skips unused bytes. */
  async skip(bytes: number): Promise<number> {
    return this.pass(bytes, 1, () => {});
  }

  /** Copies the next `bytes`, or the rest of the stream if shorter. Memory grows with the bytes that arrive, not with the number asked for. */
  async copy(bytes: number): Promise<Uint8Array> {
    const pieces: Uint8Array[] = [];
    await this.pass(bytes, 1, (chunk) => {
      pieces.push(chunk.slice());
    });
    return concatenated(pieces);
  }

  /** Returns the bytes at hand, none at the end: for data that is parsed as it arrives. `drop` skips those that were read. */
  async window(): Promise<Uint8Array> {
    if (this.#window.length === 0) await this.#advance();
    return this.#window;
  }

  drop(count: number): void {
    this.#take(count);
  }

  /** Ends the read that is under way and closes the stream. */
  async close(): Promise<void> {
    this.#window = this.#row = new Uint8Array(0);
    await this.#filling.catch(() => {});
    await this.stream.close();
  }

  #take(count: number): Uint8Array {
    const chunk = this.#window.subarray(0, count);
    this.#window = this.#window.subarray(count);
    return chunk;
  }

  /** Returns a row that begins at the end of this window and continues in the next ones. */
  async #straddling(row: number): Promise<Uint8Array | undefined> {
    if (row > LONGEST_ROW) {
      const name = shown(this.stream.name);
      throw new HeedError('UNSUPPORTED', `${name}: a row of ${row} bytes is too long`, { culprit: name });
    }
    if (this.#row.length < row) this.#row = new Uint8Array(row);
    for (let at = 0; at < row; ) {
      if (this.#window.length === 0 && !(await this.#advance())) return undefined;
      const piece = this.#take(Math.min(row - at, this.#window.length));
      this.#row.set(piece, at);
      at += piece.length;
    }
    return this.#row.subarray(0, row);
  }

  /** Makes the filled buffer the window and starts to fill the other; false at the end. */
  async #advance(): Promise<boolean> {
    const count = await this.#filling;
    [this.#front, this.#back] = [this.#back, this.#front];
    this.#window = this.#front.subarray(0, count);
    if (count > 0) this.#filling = this.#fill(this.#back);
    return count > 0;
  }

  /** Reads until the buffer is full or the stream ends: a read may be short. */
  #fill(buffer: Uint8Array): Promise<number> {
    const filled = (async () => {
      let count = 0;
      while (count < buffer.length) {
        const read = await this.stream.read(buffer.subarray(count));
        if (read === 0) break;
        count += read;
      }
      return count;
    })();
    // The reader of the bytes gets the error; until then it is not an unhandled one.
    filled.catch(() => {});
    return filled;
  }
}
