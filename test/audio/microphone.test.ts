/** The microphone of a page in Chromium, under a strict policy: what a made-up device plays is heard at a model's rate, and all that the browser gave; and what is refused. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runInNewContext } from 'node:vm';
import { build } from 'esbuild';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Resampler } from '../../dist/audio/resampler.js';
import { microphone, RawAudio } from '../../dist/entry/node.js';
import { chromiumArgs, chromiumBinary, noChromium } from '../browser.js';
import { openSite } from '../runtimes/site.js';

const HZ = 437;

/** What the page runs: a second and more, in pieces, and how it ends. */
const program = `
import { microphone } from ${JSON.stringify(fileURLToPath(new URL('../../dist/entry/web.js', import.meta.url)))};
const constraints = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
// What comes out of the worklet, and at which rate.
const given = [];
let rate;
globalThis.AudioWorkletNode = class extends AudioWorkletNode {
  constructor(context, ...rest) {
    super(context, ...rest);
    rate ??= context.sampleRate;
    if (given.length === 0) this.port.addEventListener('message', ({ data }) => given.push(...data));
  }
};
const run = async () => {
  const lengths = [], heard = [];
  for await (const piece of microphone({ seconds: 0.2, constraints })) {
    lengths.push(piece.length);
    heard.push(...piece);
    if (heard.length > 32000) break;
  }
  const stop = new AbortController();
  let ended;
  try {
    for await (const _ of microphone({ signal: stop.signal, sampling_rate: 8000 })) stop.abort('enough');
  } catch (error) { ended = error; }
  return { rate, given, lengths, heard, ended };
};
const outcome = await run().then((value) => ({ value }), (error) => ({ failure: String(error.stack ?? error) }));
await fetch('/results', { method: 'POST', body: JSON.stringify(outcome) });
`;

interface Outcome {
  rate: number;
  given: number[];
  lengths: number[];
  heard: number[];
  ended: string;
}

const missing = noChromium && !process.env.HEED_REQUIRE_RUNTIMES;
describe.skipIf(missing)('a microphone', () => {
  const temporary = mkdtempSync(join(tmpdir(), 'heed-microphone-'));
  let browser: Browser | undefined;
  beforeAll(async () => {
    const rate = 48_000;
    const tone = Float32Array.from({ length: 2 * rate }, (_, i) => 0.5 * Math.sin((2 * Math.PI * HZ * i) / rate));
    // Chromium's device plays files of 16 bits.
    const file = join(temporary, 'tone.wav');
    writeFileSync(file, sixteenBits(tone, rate));
    const fake = ['use-fake-device-for-media-stream', 'use-fake-ui-for-media-stream', `use-file-for-fake-audio-capture=${file}`];
    const args = [...chromiumArgs, ...fake.map((flag) => `--${flag}`)];
    if (chromiumBinary) browser = await chromium.launch({ executablePath: chromiumBinary, args });
  });
  afterAll(async () => {
    await browser?.close();
    rmSync(temporary, { recursive: true });
  });

  it('gives what is played, at 16,000 samples a second, and ends with its loop or signal', async () => {
    const script = join(temporary, 'page.js');
    await build({ stdin: { contents: program, resolveDir: temporary }, bundle: true, format: 'esm', outfile: script, logLevel: 'error' });
    const site = await openSite(script, { isolated: true, strict: true });
    try {
      const page = await (browser as Browser).newPage();
      await page.goto(site.url);
      const { rate, given, lengths, heard, ended } = await site.result<Outcome>();
      await page.close();
      expect(ended).toBe('enough');
      for (const length of lengths) expect(length).toBeGreaterThanOrEqual(3200);
      const whole = new Resampler(rate, 16_000).push(Float32Array.from(given));
      expect(Float32Array.from(heard)).toEqual(whole.subarray(0, heard.length));
      // The tone begins somewhere, and then a turn of it takes as many samples as the next, but where the device did not keep up with time on a busy machine.
      const loud = heard.findIndex((x) => Math.abs(x) > 0.1);
      expect(loud).toBeGreaterThanOrEqual(0);
      const turns: number[] = [];
      for (let i = loud + 1600; i < loud + 16_000; i++) {
        const [a, b] = [heard[i - 1] as number, heard[i] as number];
        if (a < 0 && b >= 0) turns.push(i - 1 + a / (a - b));
      }
      const steps = turns.slice(1).map((turn, i) => turn - (turns[i] as number));
      const median = steps.toSorted((a, b) => a - b)[steps.length >> 1] as number;
      expect(16_000 / median).toBeCloseTo(HZ, 0);
      expect(Math.max(...heard.map(Math.abs))).toBeLessThan(1.1);
    } finally {
      site.close();
    }
  }, 60_000);
});

it('hands on every frame, all channels as one', () => {
  const posted: number[] = [];
  const ears: (new () => { process(inputs: readonly Float32Array[][]): boolean })[] = [];
  const port = { postMessage: (piece: Float32Array) => posted.push(...piece) };
  runInNewContext(readFileSync(new URL('../../dist/runtime/microphone-worker.js', import.meta.url), 'utf8'), {
    AudioWorkletProcessor: class {
      port = port;
    },
    registerProcessor: (_: string, ear: (typeof ears)[number]) => ears.push(ear),
  });
  const [Ear] = ears as [(typeof ears)[number]];
  const ear = new Ear();
  const frames = Float32Array.from({ length: 128 * 50 }, (_, i) => i);
  for (let at = 0; at < frames.length; at += 128) {
    const left = frames.slice(at, at + 128);
    expect(ear.process([[left, left.map((x) => x + 2)]])).toBe(true);
    // Nothing is plugged in for a moment.
    expect(ear.process([[]])).toBe(true);
  }
  expect(posted).toEqual(Array.from({ length: 3 * 2048 }, (_, i) => i + 1));
});

it('is refused where there is none, and for options that cannot be', async () => {
  await expect(microphone().next()).rejects.toMatchObject({ code: 'UNSUPPORTED', culprit: 'microphone' });
  await expect(microphone({ seconds: 0 }).next()).rejects.toMatchObject({ code: 'ARGUMENT', culprit: 'seconds' });
  await expect(microphone({ sampling_rate: 16_000.5 }).next()).rejects.toMatchObject({ code: 'ARGUMENT', culprit: 'sampling_rate' });
  for (const [culprit, value] of Object.entries({ signal: 5, constraints: true }))
    await expect(microphone({ [culprit]: value }).next()).rejects.toMatchObject({ code: 'ARGUMENT', culprit });
  await expect(microphone({ rate: 8000 } as object).next()).rejects.toMatchObject({ culprit: 'rate' });
});

/** A WAV file of integers, out of one of floats: the same header but for its sizes. */
function sixteenBits(samples: Float32Array, rate: number): Uint8Array {
  const bytes = new Uint8Array(new RawAudio(samples, rate).toWav().slice(0, 44 + 2 * samples.length));
  const view = new DataView(bytes.buffer);
  view.setUint32(4, bytes.length - 8, true);
  view.setUint16(20, 1, true);
  view.setUint32(28, 2 * rate, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  view.setUint32(40, 2 * samples.length, true);
  for (const [i, x] of samples.entries()) view.setInt16(44 + 2 * i, Math.round(x * 32_767), true);
  return bytes;
}
