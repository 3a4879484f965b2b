/** Lists of texts in a GGUF file's metadata. */
import { malformed } from './header.js';

/** Reads a text's length, which precedes it. */
export const lengthAt = (view: DataView, at: number): number => view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;

/** List of texts, 100,000 and more for a vocabulary: decoded together, and only on demand. */
export class GgufTexts {
  constructor(
    readonly file: string,
    readonly key: string,
    readonly length: number,
    /** Texts as in the file: each behind its length. */
    readonly bytes: Uint8Array,
  ) {}

  /** Returns one text; undefined where there are not as many. Throws FORMAT where it is not UTF-8. */
  at(index: number): string | undefined {
    const view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.length);
    for (let i = 0, at = 0; i < this.length; i++) {
      const end = at + 8 + lengthAt(view, at);
      if (i === index) return new GgufTexts(this.file, this.key, 1, this.bytes.subarray(at, end)).list()[0];
      at = end;
    }
    return undefined;
  }

  /** Returns the indices of the given texts in the list, in the list's order. */
  places(texts: readonly string[]): number[] {
    const wanted = texts.map((text) => new TextEncoder().encode(text));
    const lengths = new Set(wanted.map(({ length }) => length));
    const found: number[] = [];
    const { bytes } = this;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let i = 0, at = 0; i < this.length; i++) {
      const begin = at + 8;
      const length = lengthAt(view, at);
      at = begin + length;
      if (lengths.has(length) && wanted.some((text) => text.length === length && text.every((byte, j) => byte === bytes[begin + j])))
        found.push(i);
    }
    return found;
  }

  /** Returns all texts. Throws FORMAT where one is not UTF-8. */
  list(): readonly string[] {
    const { bytes, length } = this;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const together = new Uint8Array(bytes.length - 8 * length);
    // Length of each text in UTF-16: a character's first byte counts 1, and that of 4 bytes 2.
    const lengths = new Uint32Array(length);
    let whole = true;
    for (let i = 0, from = 0, to = 0; i < length; i++) {
      const begin = from + 8;
      from = begin + lengthAt(view, from);
      // A text that begins inside a character continues another text.
      if (begin < from && isInner(bytes[begin])) whole = false;
      for (let at = begin; at < from; at++) {
        const byte = bytes[at] as number;
        together[to++] = byte;
        if (!isInner(byte)) (lengths[i] as number) += byte >= 0xf0 ? 2 : 1;
      }
    }
    let text = '';
    try {
      text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(together);
    } catch {
      whole = false;
    }
    if (!whole) throw malformed(this.file, `a text of ${this.key} is not UTF-8`, this.key);
    let at = 0;
    return Array.from(lengths, (own) => {
      at += own;
      return text.slice(at - own, at);
    });
  }
}

const isInner = (byte: number | undefined): boolean => ((byte as number) & 0xc0) === 0x80;
