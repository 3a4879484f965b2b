/** Schedules have transformers' rates (test/fixtures/train/schedules.json), step by step, and so have runs that stop and go on. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type ScheduleName, schedule } from '../../dist/train/index.js';
import { make } from './made.js';

interface Run {
  name: ScheduleName;
  warmup: number;
  steps: number;
  cooldown?: number;
  rates: number[];
}
const runs: Run[] = JSON.parse(readFileSync(new URL('../fixtures/train/schedules.json', import.meta.url), 'utf8'));

describe('a schedule', () => {
  it.each(runs)("$name has transformers' rates, warmup $warmup, steps $steps", ({ name, warmup, steps, cooldown, rates }) => {
    const rate = schedule(name, { warmup, steps, cooldown });
    rates.forEach((expected, i) => {
      expect(rate(i + 1), `step ${i + 1}`).toBeCloseTo(expected, 6);
    });
  });

  it('that comes to an end has its 0 after the last step, and stays there', () => {
    for (const name of ['linear', 'cosine'] as const) {
      const rate = schedule(name, { warmup: 2, steps: 9 });
      expect(rate(9)).toBeGreaterThan(0);
      expect([rate(10), rate(11), rate(1000)]).toEqual([0, 0, 0]);
    }
  });

  it('is what a run goes by, also where it stops and goes on', async () => {
    const rates: number[] = [];
    const lr = 1e-2;
    const settings = { lr, schedule: schedule('linear', { warmup: 3, steps: 10 }) };
    const first = await make(settings);
    await first.trainer.fit({ steps: 4, onProgress: ({ rate }) => rates.push(rate) });
    const second = await make(settings);
    await second.trainer.load(await first.trainer.save());
    await second.trainer.fit({ steps: 10, onProgress: ({ rate }) => rates.push(rate) });
    const expected = [0, 1 / 3, 2 / 3, 1, 6 / 7, 5 / 7, 4 / 7, 3 / 7, 2 / 7, 1 / 7];
    expect(rates).toEqual(expected.map((factor) => expect.closeTo(lr * factor, 8)));
  });

  it.each<[string, object]>([
    ['warmup', { warmup: -1 }],
    ['warmup', { warmup: Number.NaN }],
    ['warmup', { warmup: Number.POSITIVE_INFINITY }],
    ['steps', { steps: 2.5 }],
    ['steps', { warmup: 5, steps: 5 }],
    ['steps', {}],
    ['cooldown', { steps: 9, cooldown: 3 }],
    ['total', { total: 5 }],
  ])('refuses a %s that makes no sense: %j', (culprit, options) => {
    expect(() => schedule('linear', options)).toThrow(expect.objectContaining({ culprit }));
  });
});
