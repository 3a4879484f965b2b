/** Pictures in every runtime: files decoded to Pillow's pixels, and resized to Pillow's bits. */
import { assert, type Checks, type Env, type Heed } from './check.js';
import { readJson } from './fixtures.js';

/** One file of each decoder, and of each kind that it has code of its own for. */
const files = [
  'palette.png',
  'keyed.png',
  '420.jpg',
  'progressive.jpg',
  'turned6.jpg',
  'lossy.webp',
  'alpha.webp',
  'moving.webp',
  'flat.gif',
];

/** Cases of each filter. */
const RESIZED = 60;

async function digest(bytes: Uint8ClampedArray): Promise<string> {
  const sum = new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array(bytes)));
  return Array.from(sum.subarray(0, 8), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The fixtures' pseudo-random bytes. */
function noise(seed: number, length: number): Uint8ClampedArray {
  let state = seed;
  return Uint8ClampedArray.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
}

async function jsonOf(createEngine: Heed['createEngine'], location: string): Promise<unknown> {
  const engine = await createEngine({ threads: 1 });
  try {
    return await readJson(engine, location);
  } finally {
    await engine.dispose();
  }
}

type Case = readonly [width: number, height: number, channels: 1 | 3 | 4, w: number, h: number, filter: number, sum: string];

export const imageChecks: Checks = {
  'pictures are read to the pixels that Pillow reads': async ({ RawImage, createEngine }: Heed, env: Env) => {
    const told = (await jsonOf(createEngine, env.locate('fixtures/image/files.json'))) as {
      files: Record<string, { rgb: string; rgba: string }>;
    };
    for (const name of files) {
      const image = await RawImage.read(env.locate(`fixtures/image/files/${name}`));
      const sums = [await digest(image.clone().rgb().data), await digest(image.rgba().data)];
      const { rgb, rgba } = told.files[name] as { rgb: string; rgba: string };
      assert(sums[0] === rgb && sums[1] === rgba, `${name} has other pixels`);
    }
  },
  'pictures are resized to the bits of Pillow': async ({ RawImage, createEngine }: Heed, env: Env) => {
    const { cases } = (await jsonOf(createEngine, env.locate('fixtures/image/resize.json'))) as { cases: readonly Case[] };
    for (const [seed, [width, height, channels, w, h, resample, sum]] of cases.slice(0, RESIZED).entries()) {
      const image = new RawImage(noise(seed, width * height * channels), width, height, channels);
      assert((await digest((await image.resize(w, h, { resample })).data)) === sum, `case ${seed} has other bits`);
    }
  },
};
