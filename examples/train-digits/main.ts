/**
 * Two Transformers learn handwritten digits, from nothing: one reads them, one draws them.
 *
 *   node scripts/run.mjs examples/train-digits/main.ts [--threads N] [--seed N] [--steps N] [--draw-steps N] [--temperature T] [--deterministic]
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { SingleBar } from 'cli-progress';
import { createEngine } from 'heed';
import type { Module } from 'heed/nn';
import { type Metrics, Random } from 'heed/train';
import { type Digit, LEVELS, readDigits, SIDE, split } from './data.js';
import { read } from './look.js';
import { makeDrawing, makeReading, type Run } from './run.js';

const number = { type: 'string' } as const;
const { values } = parseArgs({
  options: { threads: number, seed: number, steps: number, 'draw-steps': number, temperature: number, deterministic: { type: 'boolean' } },
});
const given = (text: string | undefined) => (text === undefined ? undefined : Number(text));
const percent = (share = 0) => `${(100 * share).toFixed(1)} %`;

const engine = await createEngine({ threads: given(values.threads), deterministic: values.deterministic });
const digits = await readDigits(new Uint8Array(await readFile(join(import.meta.dirname, 'digits.csv.gz'))));
const { seen, unseen } = split(digits);
const seed = given(values.seed);
console.log(`${seen.length} pictures to learn from, ${unseen.length} held back; ${engine.info.threads} threads, ${engine.info.simd}`);

/** Trains to the end, with a bar, and tells how long it took. */
async function train<Model extends Module>(
  what: string,
  { trainer, steps }: Run<Model>,
  told: (metrics: Metrics) => string,
): Promise<number> {
  const began = performance.now();
  const format = `${what} {bar} {value}/{total} | loss {loss} | {told} | {eta_formatted} left`;
  const bar = new SingleBar({ format, noTTYOutput: true, notTTYSchedule: 5000, hideCursor: true });
  bar.start(steps, 0, { loss: '-', told: '-' });
  await trainer.fit({
    ...{ steps, evaluateEvery: 50 },
    onProgress: ({ step, loss }) => bar.update(step, { loss: loss.toFixed(3) }),
    onLog: ({ step, validation }) => bar.update(step, { told: validation ? told(validation) : '-' }),
  });
  bar.stop();
  return (performance.now() - began) / 1000;
}

const reading = makeReading(engine, digits, { seed, steps: given(values.steps) });
const readSeconds = await train('reading', reading, ({ accuracy }) => `${percent(accuracy)} of held-back pictures right`);
const answers = read(
  reading.model,
  unseen.map(({ pixels }) => pixels),
);
const wrong = unseen.flatMap(({ label, pixels }, i) => (answers[i] === label ? [] : [{ label, said: answers[i], pixels }]));
console.log(
  `${percent(1 - wrong.length / unseen.length)} of ${unseen.length} held-back pictures read right, after ${readSeconds.toFixed(0)} s. Wrong:`,
);
console.log(side(wrong.slice(0, 8).map(({ label, said, pixels }) => ({ title: `${label} as ${said}`, pixels }))));

const drawing = makeDrawing(engine, digits, { seed, steps: given(values['draw-steps']) });
const drawSeconds = await train('drawing', drawing, ({ bits }) => `${bits?.toFixed(3)} bits a pixel`);
const labels = Array.from({ length: 100 }, (_, i) => i % 10);
const pictures = await last(drawing.model.draw(labels, new Random('drawn', seed ?? 1), given(values.temperature) ?? 0.9));
const said = read(reading.model, pictures);
const right = labels.filter((label, i) => said[i] === label).length;
console.log(`It draws, after ${drawSeconds.toFixed(0)} s; the reader takes ${right} of 100 drawings for the digit that was asked for:`);
console.log(side(pictures.slice(0, 10).map((pixels, i) => ({ title: `${labels[i]}`, pixels }))));
await engine.dispose();

/** What a generator returns, with a turn of the event loop between its steps. */
async function last<T>(steps: Generator<unknown, T>): Promise<T> {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    await new Promise(setImmediate);
  }
}

/** Pictures side by side, two characters a pixel. */
function side(pictures: readonly { title: string; pixels: Digit['pixels'] }[]): string {
  const shades = ' .:-=+*#%@';
  const shade = (level: number) => (shades[Math.round((level * (shades.length - 1)) / (LEVELS - 1))] as string).repeat(2);
  const line = (pixels: Uint8Array, row: number) => Array.from(pixels.slice(row * SIDE, (row + 1) * SIDE), shade).join('');
  const rows = Array.from({ length: SIDE }, (_, row) => pictures.map(({ pixels }) => line(pixels, row)).join('  '));
  return [pictures.map(({ title }) => title.padEnd(2 * SIDE)).join('  '), ...rows].map((text) => text.trimEnd()).join('\n');
}
