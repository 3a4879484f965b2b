/** Pixels and folders that the tests of pictures share. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The fixtures' pseudo-random bytes (test/fixtures/image/resize.py). */
export function noise(seed: number, length: number): Uint8ClampedArray {
  const out = new Uint8ClampedArray(length);
  let state = seed >>> 0;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    out[i] = state >>> 24;
  }
  return out;
}

export const sha256 = (bytes: Uint8Array | Uint8ClampedArray): string => createHash('sha256').update(bytes).digest('hex');

export const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/image/${name}`, import.meta.url));

export const readFixture = <T>(name: string): T => JSON.parse(readFileSync(fixture(name), 'utf8')) as T;
