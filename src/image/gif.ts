/** GIF files: the first picture of one, on its screen. */
import { malformedImage } from './malformed.js';
import type { Pixels } from './resample.js';

const malformed = (why: string) => malformedImage('GIF', why);

/** First row and step between rows, of the four passes of an interlaced picture. */
const PASSES = [
  [0, 8],
  [4, 8],
  [2, 4],
  [1, 2],
] as const;

/** Most bits of a code. */
const WIDEST = 12;

/** Whether bytes begin as a GIF file does. */
export const isGif = (bytes: Uint8Array): boolean => /^GIF8[79]a/.test(String.fromCharCode(...bytes.subarray(0, 6)));

/** Reads bytes in order. Throws FORMAT at the end. */
class Reader {
  #at = 6;
  constructor(readonly bytes: Uint8Array) {}

  byte(): number {
    const byte = this.bytes[this.#at++];
    if (byte === undefined) throw malformed('it ends early');
    return byte;
  }

  word(): number {
    return this.byte() | (this.byte() << 8);
  }

  take(length: number): Uint8Array {
    const taken = this.bytes.subarray(this.#at, this.#at + length);
    if (taken.length < length) throw malformed('it ends early');
    this.#at += length;
    return taken;
  }

  /** Contents of blocks, up to an empty one. */
  blocks(): Uint8Array[] {
    const found: Uint8Array[] = [];
    for (let length = this.byte(); length > 0; length = this.byte()) found.push(this.take(length));
    return found;
  }
}

/** Width and height of a GIF file's screen. Throws FORMAT. */
export function gifSize(bytes: Uint8Array): { width: number; height: number } {
  const reader = new Reader(bytes);
  const [width, height] = [reader.word(), reader.word()];
  if (!width || !height) throw malformed('it has no pixels');
  return { width, height };
}

/** Decodes the first picture, to 4 channels where a colour is transparent, else 3. Throws FORMAT. */
export function decodeGif(bytes: Uint8Array): Pixels {
  const reader = new Reader(bytes);
  const [width, height, flags] = [reader.word(), reader.word(), reader.byte()];
  reader.take(2);
  const table = (flags: number) => reader.take(flags & 0x80 ? 3 << ((flags & 7) + 1) : 0);
  const shared = table(flags);
  let transparent: number | undefined;
  for (;;) {
    const kind = reader.byte();
    if (kind === 0x21) {
      const label = reader.byte();
      const [control] = reader.blocks();
      if (label === 0xf9 && control && control.length >= 4) transparent = (control[0] as number) & 1 ? control[3] : undefined;
    } else if (kind === 0x2c) break;
    else throw malformed(kind === 0x3b ? 'it has no picture' : 'a block is of an unknown kind');
  }
  const [left, top, columns, rows, local] = [reader.word(), reader.word(), reader.word(), reader.word(), reader.byte()];
  if (left + columns > width || top + rows > height) throw malformed('its picture is larger than its screen');
  const own = table(local);
  const palette = own.length ? own : shared;
  const bits = reader.byte();
  const indices = unpacked(reader.blocks(), bits, columns * rows);
  const channels = transparent === undefined ? 3 : 4;
  const data = new Uint8ClampedArray(width * height * channels);
  const paint = (at: number, index: number) => {
    // Colours that a palette lacks are black.
    for (let c = 0; c < 3; c++) data[at * channels + c] = palette[index * 3 + c] ?? 0;
    if (channels === 4) data[at * 4 + 3] = index === transparent ? 0 : 255;
  };
  if (columns * rows < width * height) for (let at = 0; at < width * height; at++) paint(at, transparent ?? 0);
  let line = 0;
  for (const [first, step] of local & 0x40 ? PASSES : [[0, 1] as const])
    for (let y = first; y < rows; y += step, line++)
      for (let x = 0; x < columns; x++) paint((top + y) * width + left + x, indices[line * columns + x] as number);
  return { data, width, height, channels };
}

/** Unpacks codes of Lempel, Ziv and Welch: as many indices as there should be. Throws FORMAT where there are fewer. */
function unpacked(blocks: readonly Uint8Array[], bits: number, count: number): Uint8Array {
  if (bits < 1 || bits > 8) throw malformed(`its codes begin with ${bits} bits`);
  const out = new Uint8Array(count);
  const [clear, end] = [1 << bits, (1 << bits) + 1];
  // A code stands for what an earlier code stands for, and one index more.
  const [before, last, lengths] = [new Uint16Array(1 << WIDEST), new Uint8Array(1 << WIDEST), new Uint16Array(1 << WIDEST)];
  for (let i = 0; i < clear; i++) [last[i], lengths[i]] = [i, 1];
  let [next, width, previous, length] = [end + 1, bits + 1, -1, 0];
  let [pending, held] = [0, 0];
  const write = (code: number): number => {
    let at = length + (lengths[code] as number);
    length = at;
    for (let one = code; ; one = before[one] as number) {
      if (--at < count) out[at] = last[one] as number;
      if ((lengths[one] as number) === 1) return last[one] as number;
    }
  };
  const add = (index: number) => {
    [before[next], last[next], lengths[next]] = [previous, index, (lengths[previous] as number) + 1];
    next++;
  };
  /** The first index that a code stands for. */
  const firstOf = (code: number): number => {
    let one = code;
    while ((lengths[one] as number) > 1) one = before[one] as number;
    return last[one] as number;
  };
  for (const block of blocks)
    for (const byte of block) {
      pending |= byte << held;
      held += 8;
      while (held >= width) {
        const code = pending & ((1 << width) - 1);
        pending >>>= width;
        held -= width;
        if (code === clear) {
          [next, width, previous] = [end + 1, bits + 1, -1];
          continue;
        }
        if (code === end || length >= count) return ended(out, length, count);
        if (code > next || (code === next && previous < 0)) throw malformed('a code stands for nothing');
        if (previous >= 0 && next < 1 << WIDEST) add(firstOf(code === next ? previous : code));
        else if (code === next) throw malformed('a code stands for nothing');
        write(code);
        if (next === 1 << width && width < WIDEST) width++;
        previous = code;
      }
    }
  return ended(out, length, count);
}

function ended(out: Uint8Array, length: number, count: number): Uint8Array {
  if (length < count) throw malformed('it has too few pixels');
  return out;
}
