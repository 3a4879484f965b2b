/** Lists of texts in a GGUF file's metadata. */
import { malformed } from './header.js';

/** Reads a text's length, which precedes it. */
export const lengthAt = (view: DataView, at: number): number => view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;

/** List of texts, 100,000 and more for a vocabulary: decoded together, and only on demand. */
export class GgufTexts {
  #starts: Uint32Array | undefined;

  constructor(
    readonly file: string,
    readonly key: string,
    readonly length: number,
    /** Texts as in the file: each behind its length. */
    readonly bytes: Uint8Array,
  ) {}

  /** Where the 8 bytes of each text's length begin, and where the last text ends. */
  get starts(): Uint32Array {
    if (this.#starts) return this.#starts;
    const view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.length);
    const starts = new Uint32Array(this.length + 1);
    for (let i = 0, at = 0; i < this.length; i++) starts[i + 1] = at += 8 + lengthAt(view, at);
    this.#starts = starts;
    return starts;
  }

  /** Returns one text; undefined where there are not as many. Throws FORMAT where it is not UTF-8. */
  at(index: number): string | undefined {
    if (!Number.isInteger(index) || index < 0 || index >= this.length) return undefined;
    const { starts, bytes } = this;
    try {
      return utf8.decode(bytes.subarray((starts[index] as number) + 8, starts[index + 1]));
    } catch {
      throw this.#malformed();
    }
  }

  /** Returns the indices of the given texts in the list, in the list's order. */
  places(texts: readonly string[]): number[] {
    const wanted = texts.map((text) => new TextEncoder().encode(text));
    const lengths = new Set(wanted.map(({ length }) => length));
    const found: number[] = [];
    const { bytes, starts } = this;
    for (let i = 0; i < this.length; i++) {
      const begin = (starts[i] as number) + 8;
      const length = (starts[i + 1] as number) - begin;
      if (lengths.has(length) && wanted.some((text) => text.length === length && text.every((byte, j) => byte === bytes[begin + j])))
        found.push(i);
    }
    return found;
  }

  /** Throws FORMAT where a text is not UTF-8. */
  check(): void {
    // Lengths below 128 are ASCII, behind which no text goes on; others are replaced by zeros.
    if (isUtf8(this.bytes)) return;
    const { starts, length } = this;
    const apart = this.bytes.slice();
    for (let i = 0; i < length; i++) apart.fill(0, starts[i], (starts[i] as number) + 8);
    if (!isUtf8(apart)) throw this.#malformed();
  }

  /** Returns all texts. Throws FORMAT where one is not UTF-8. */
  list(): readonly string[] {
    this.check();
    const { bytes, length, starts } = this;
    const together = new Uint8Array(bytes.length - 8 * length);
    // Length of each text in UTF-16: a character's first byte counts 1, and that of 4 bytes 2.
    const lengths = new Uint32Array(length);
    for (let i = 0, to = 0; i < length; i++) {
      const end = starts[i + 1] as number;
      for (let at = (starts[i] as number) + 8; at < end; at++) {
        const byte = bytes[at] as number;
        together[to++] = byte;
        if ((byte & 0xc0) !== 0x80) (lengths[i] as number) += byte >= 0xf0 ? 2 : 1;
      }
    }
    const text = utf8.decode(together);
    let at = 0;
    return Array.from(lengths, (own) => {
      at += own;
      return text.slice(at - own, at);
    });
  }

  #malformed(): Error {
    return malformed(this.file, `a text of ${this.key} is not UTF-8`, this.key);
  }
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    utf8.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
