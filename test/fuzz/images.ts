/** Files of pictures, changed at random: each is read, and resized where it can be; it ends in a HeedError that names its culprit, or in a picture. */
import { readdirSync, readFileSync } from 'node:fs';
import { Engine } from '../../dist/engine/engine.js';
import { RawImage } from '../../dist/entry/node.js';
import { HeedError } from '../../dist/errors.js';
import { resample } from '../../dist/image/resample.js';
import { nodeRuntime } from '../../dist/runtime/node.js';
import { tensor } from '../../dist/tensor.js';
import type { Random } from '../cases/random.js';
import { type BytesMutation, cut, flip, insert, truncate } from './bytes.js';
import { pick } from './files.js';
import { complaint, type Fuzzer, randomOf, type Verdict } from './loop.js';
import type { Named } from './report.js';

const folder = new URL('../fixtures/image/files/', import.meta.url);

/** A number of four bytes that a reader may take for a length, a size or an offset. */
const number: BytesMutation = (random, bytes) => {
  const changed = bytes.slice();
  const at = random.below(Math.max(1, Math.min(bytes.length - 4, random.next() < 0.7 ? 64 : bytes.length)));
  const value = pick(random, [0, 1, 0x7fff, 0xffff, 0x10000, 0x7fffffff, 0xffffffff, random.below(1 << 16)]);
  new DataView(changed.buffer).setUint32(at, value, random.next() < 0.5);
  return changed;
};

const many: BytesMutation = (random, bytes) => {
  let changed = bytes;
  for (let n = 2 + random.below(6); n > 0; n--) changed = pick(random, [flip, cut, insert, number])(random, changed);
  return changed;
};

/** Two files become one. */
const grafted =
  (others: readonly Uint8Array[]): BytesMutation =>
  (random, bytes) => {
    const other = pick(random, others);
    return new Uint8Array(Buffer.concat([bytes.subarray(0, random.below(bytes.length)), other.subarray(random.below(other.length))]));
  };

const specimens = readdirSync(folder)
  .sort()
  .map((name) => ({ name, bytes: new Uint8Array(readFileSync(new URL(name, folder))) }));

const mutations: Readonly<Record<string, BytesMutation>> = {
  flipped: flip,
  truncated: truncate,
  inserted: insert,
  cut,
  number,
  many,
  grafted: grafted(specimens.map(({ bytes }) => bytes)),
};

/** Most pixels: a picture of a megapixel is read in less than a second. */
const MOST_PIXELS = 1 << 20;

/** Bytes that the engine takes at the beginning, so that it need not grow for a large picture: growth is a leak. */
const ROOM = 24 << 20;

export const imageClasses = Object.keys(mutations).map((name): Named => ({ name, hits: 'picture' }));

export class ImageFuzz implements Fuzzer {
  #want: string | undefined;

  private constructor(readonly engine: Engine) {}

  static async start(): Promise<ImageFuzz> {
    const engine = await Engine.create(nodeRuntime, { threads: 1, memory: { maximum: 64 << 20 } });
    tensor(engine, new Float32Array(ROOM / 4), [ROOM / 4]).dispose();
    return new ImageFuzz(engine);
  }

  async judge(index: number, seed: number): Promise<Verdict> {
    const random: Random = randomOf(seed, index);
    const name = pick(random, Object.keys(mutations));
    const specimen = pick(random, specimens);
    const bytes = (mutations[name] as BytesMutation)(random, specimen.bytes);
    const { used } = this.engine.memory();
    const began = performance.now();
    let outcome = 'picture';
    let failure: string | undefined;
    try {
      const image = await RawImage.read(bytes, { maxPixels: MOST_PIXELS });
      const small = resample(this.engine, image, 1 + random.below(40), 1 + random.below(40), 'bilinear');
      if (image.data.length !== image.width * image.height * image.channels || small.length === 0) failure = 'a picture without pixels';
    } catch (error) {
      outcome = error instanceof HeedError ? error.code : 'failure';
      failure = complaint(error);
    }
    const ms = performance.now() - began;
    if (this.engine.memory().used !== used) failure ??= `${this.engine.memory().used - used} bytes stayed behind`;
    return { name, outcome: failure === undefined ? outcome : 'failure', failure, what: `${name}, ${specimen.name}`, ms };
  }

  async unchanged(): Promise<boolean> {
    const good = specimens.filter(({ name }) => name !== 'cmyk.jpg');
    const sums = await Promise.all(good.map(async ({ bytes }) => (await RawImage.read(bytes)).data.reduce((sum, byte) => sum + byte, 0)));
    this.#want ??= sums.join();
    return this.#want === sums.join();
  }
}
