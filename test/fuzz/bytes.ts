/** What a bad disk, a broken download or a thoughtless editor does to bytes. */
import type { Random } from '../cases/random.js';
import { pick } from './files.js';

export type BytesMutation = (random: Random, bytes: Uint8Array) => Uint8Array;

const joined = (...parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));
const noise = (random: Random, length: number) => Uint8Array.from({ length }, () => random.below(256));
/** A place, and a number of bytes from there on. */
function span(random: Random, length: number, most: number): [number, number] {
  const begin = random.below(length + 1);
  return [begin, Math.min(length, begin + 1 + random.below(most))];
}

export const flip: BytesMutation = (random, bytes) => {
  const changed = bytes.slice();
  for (let n = 1 + random.below(4); n > 0 && bytes.length; n--) {
    const at = random.below(bytes.length);
    changed[at] = random.next() < 0.5 ? (changed[at] as number) ^ (1 << random.below(8)) : random.below(256);
  }
  return changed;
};

export const truncate: BytesMutation = (random, bytes) => bytes.slice(0, random.below(bytes.length));

export const insert: BytesMutation = (random, bytes) => {
  const at = random.below(bytes.length + 1);
  const piece = pick(random, [
    () => noise(random, 1 + random.below(32)),
    () => bytes.slice(...span(random, bytes.length, 200)),
    () => new Uint8Array(1 + random.below(64)),
  ]);
  return joined(bytes.subarray(0, at), piece(), bytes.subarray(at));
};

export const cut: BytesMutation = (random, bytes) => {
  const [begin, end] = span(random, bytes.length, 64);
  return joined(bytes.subarray(0, begin), bytes.subarray(end));
};

/** The same, to a part of the bytes. */
export const within =
  (part: (bytes: Uint8Array) => [number, number], mutate: BytesMutation): BytesMutation =>
  (random, bytes) => {
    const [begin, end] = part(bytes);
    return joined(bytes.subarray(0, begin), mutate(random, bytes.subarray(begin, end)), bytes.subarray(end));
  };
