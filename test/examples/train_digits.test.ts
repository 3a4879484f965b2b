/** examples/train-digits in Node: its data, that a short run reads and draws better than chance, and, in CI, that the whole one reads what was held back. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createEngine } from 'heed';
import { Random } from 'heed/train';
import { afterAll, describe, expect, it } from 'vitest';
import { LEVELS, moved, PIXELS, readDigits, split } from '../../examples/train-digits/data.js';
import { look, read } from '../../examples/train-digits/look.js';
import { makeDrawing, makeReading } from '../../examples/train-digits/run.js';
import { thorough } from '../thorough.js';

const path = (file: string) => fileURLToPath(new URL(`../../${file}`, import.meta.url));
const digits = await readDigits(new Uint8Array(readFileSync(path('examples/train-digits/digits.csv.gz'))));
const { seen, unseen } = split(digits);

describe('the data', () => {
  it('is 1,797 pictures of 64 pixels, of all ten digits about as often, of which a fifth is held back', () => {
    expect(digits).toHaveLength(1797);
    for (const { pixels } of digits) expect([pixels.length, pixels.every((level) => level < LEVELS)]).toEqual([PIXELS, true]);
    for (let digit = 0; digit < 10; digit++) {
      const count = digits.filter(({ label }) => label === digit).length;
      expect(count).toBeGreaterThan(170);
      expect(unseen.filter(({ label }) => label === digit).length / count).toBeCloseTo(0.2, 0);
    }
    expect(seen.length + unseen.length).toBe(1797);
    expect(unseen.length / 1797).toBeCloseTo(0.2, 1);
  });

  it('moves to any side, and paper comes in', () => {
    const pixels = Uint8Array.from({ length: PIXELS }, (_, i) => i % LEVELS);
    const right = moved(pixels, 1, 0);
    expect([right[0], right[1], right[8], right[9]]).toEqual([0, pixels[0], 0, pixels[8]]);
    const up = moved(pixels, 0, -1);
    expect([up[0], up[7], up[63]]).toEqual([pixels[8], pixels[15], 0]);
    expect(moved(pixels, 0, 0)).toEqual(pixels);
  });
});

describe('a short run', async () => {
  const engine = await createEngine({ threads: 1, deterministic: true });
  afterAll(() => engine.dispose());

  it.runIf(thorough)(
    'reads far better than chance, and shows where it looks',
    async () => {
      const { trainer, model, steps } = makeReading(engine, digits, { steps: 150 });
      const { validation } = await trainer.fit({ steps, evaluateEvery: steps });
      expect(validation?.accuracy).toBeGreaterThan(0.5);
      const said = read(
        model,
        unseen.map(({ pixels }) => pixels),
      );
      const right = unseen.filter(({ label }, i) => said[i] === label).length;
      expect(right / unseen.length).toBeCloseTo(validation?.accuracy as number, 6);
      const { probabilities, attention } = look(model, (unseen[0] as (typeof unseen)[number]).pixels);
      expect(probabilities.reduce((sum, share) => sum + share)).toBeCloseTo(1, 4);
      expect([attention.length, attention[0]?.length, attention[0]?.[0]?.length]).toEqual([3, 4, 16]);
      for (const head of attention.flat()) {
        const sum = head.reduce((all, weight) => all + weight);
        expect(sum).toBeGreaterThan(0);
        expect(sum).toBeLessThan(1);
      }
      model.dispose();
    },
    60_000,
  );

  it('draws what it learned, the same by the same seed, and a pixel takes less than if all levels were as likely', async () => {
    const { trainer, model, steps } = makeDrawing(engine, digits, { steps: 12 });
    const { validation } = await trainer.fit({ steps, evaluateEvery: steps });
    expect(validation?.bits).toBeLessThan(0.8 * Math.log2(LEVELS));
    const draw = (seed: number) => [...model.draw([3, 8], new Random('drawn', seed), 0.8)].at(-1) as Uint8Array[];
    const [first, second] = draw(1);
    expect([first?.length, second?.length]).toEqual([PIXELS, PIXELS]);
    for (const picture of [first, second]) expect(picture?.every((level) => level < LEVELS)).toBe(true);
    expect(draw(1)).toEqual([first, second]);
    expect(draw(2)).not.toEqual([first, second]);
    model.dispose();
  }, 60_000);
});

it.runIf(thorough)(
  'a whole run reads more than 97 % of the held-back pictures right',
  async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [
      path('scripts/run.mjs'),
      path('examples/train-digits/main.ts'),
      '--draw-steps',
      '20',
    ]);
    const [, share] = /([\d.]+) % of \d+ held-back pictures read right/.exec(stdout) ?? [];
    expect(Number(share)).toBeGreaterThan(97);
    expect(stdout).toContain('of 100 drawings for the digit that was asked for');
  },
  400_000,
);
