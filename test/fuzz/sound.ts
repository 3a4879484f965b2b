/** Files of sound, changed at random: WAV files of every kind, MP3, FLAC, Ogg, M4A and WebM. Each is read, and ends in a HeedError that names its culprit, or in samples that are numbers. */
import { readFileSync } from 'node:fs';
import { Engine } from '../../dist/engine/engine.js';
import { read_audio } from '../../dist/entry/node.js';
import { HeedError } from '../../dist/errors.js';
import { nodeRuntime } from '../../dist/runtime/node.js';
import type { Random } from '../cases/random.js';
import { type BytesMutation, cut, flip, insert, truncate, within } from './bytes.js';
import { pick } from './files.js';
import { complaint, type Fuzzer, randomOf, type Verdict } from './loop.js';
import type { Named } from './report.js';

interface SoundClass extends Named {
  readonly weight: number;
  readonly change: BytesMutation;
  /** `true` where the change means nothing. */
  readonly same?: boolean;
}

/** Bytes that headers of these files lie in. */
const HEADER = 64;
const header = (mutate: BytesMutation): BytesMutation => within((bytes) => [0, Math.min(HEADER, bytes.length)], mutate);
const odd = [0, 1, 2, 3, 7, 64, 65, 255, 0x7fff, 0x8000, 0xfffe, 0xffff, 2 ** 24, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1];

/** A number of a header, of two bytes or four, is another. */
const number: BytesMutation = (random, bytes) => {
  const changed = bytes.slice();
  if (changed.length < 4) return changed;
  const view = new DataView(changed.buffer, changed.byteOffset, changed.byteLength);
  const at = random.below(changed.length - 3) & ~1;
  if (random.next() < 0.5) view.setUint16(at, pick(random, odd) & 0xffff, true);
  else view.setUint32(at, pick(random, odd), true);
  return changed;
};

export const soundClasses: readonly SoundClass[] = [
  { name: 'header: bits', hits: 'header', weight: 4, change: header(flip) },
  { name: 'header: numbers', hits: 'header', weight: 5, change: header(number) },
  { name: 'header: bytes more', hits: 'header', weight: 2, change: header(insert) },
  { name: 'header: bytes fewer', hits: 'header', weight: 2, change: header(cut) },
  { name: 'a shorter file', hits: 'data', weight: 2, change: truncate },
  { name: 'bits anywhere', hits: 'data', weight: 3, change: flip },
  { name: 'bytes fewer anywhere', hits: 'data', weight: 1, change: cut },
  { name: 'nothing', hits: 'nothing', weight: 1, change: (_: Random, bytes) => bytes.slice(), same: true },
];
const drawn = soundClasses.flatMap((one) => new Array<SoundClass>(one.weight).fill(one));

const RATE = 16_000;
const read = (name: string) => JSON.parse(readFileSync(new URL(`../fixtures/audio/${name}`, import.meta.url), 'utf8')) as object;
const { files } = read('expected.json') as { files: Record<string, { bytes: string }> };
const specimens = [
  ...Object.entries(files).map(([name, { bytes }]) => [name, bytes] as const),
  ...Object.entries(read('containers.json') as Record<string, string>),
].map(([name, base64]) => ({ name, bytes: new Uint8Array(Buffer.from(base64, 'base64')) }));

export class SoundFuzz implements Fuzzer {
  readonly #wanted = new Map<string, string>();

  private constructor(readonly engine: Engine) {}

  static async start(): Promise<SoundFuzz> {
    const fuzz = new SoundFuzz(await Engine.create(nodeRuntime, { threads: 1 }));
    for (const { name, bytes } of specimens) fuzz.#wanted.set(name, heard(await read_audio(bytes, RATE)));
    return fuzz;
  }

  async judge(index: number, seed: number): Promise<Verdict> {
    const random = randomOf(seed, index);
    const one = pick(random, drawn);
    const { name, bytes } = pick(random, specimens);
    const changed = one.change(random, bytes);
    const began = performance.now();
    let outcome: string;
    let failure: string | undefined;
    try {
      const samples = await read_audio(changed, RATE);
      outcome = heard(samples) === this.#wanted.get(name) ? 'equal' : 'answer';
      if (!samples.every(Number.isFinite)) failure = 'samples are no numbers';
      if (one.same && outcome !== 'equal') failure = 'another sound for the same file';
    } catch (error) {
      outcome = error instanceof HeedError ? error.code : 'failure';
      failure = complaint(error) ?? (one.same ? `an error for a good file: ${error}` : undefined);
    }
    const ms = performance.now() - began;
    return { name: one.name, outcome: failure === undefined ? outcome : 'failure', failure, what: `${one.name}, ${name}`, ms };
  }

  async unchanged(): Promise<boolean> {
    for (const { name, bytes } of specimens) if (heard(await read_audio(bytes, RATE)) !== this.#wanted.get(name)) return false;
    return true;
  }
}

/** Samples in short. */
const heard = (samples: Float32Array): string => Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength).toString('latin1');
