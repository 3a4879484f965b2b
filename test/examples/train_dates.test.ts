/** examples/train-dates in Node: what its dates promise, in CI that a short run learns, and, where HEED_FULL_EXAMPLES is set, that the whole one reads dates. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createEngine } from 'heed';
import { afterAll, describe, expect, it } from 'vitest';
import { Characters } from '../../examples/train-dates/characters.js';
import { languages, makePairs, normalize } from '../../examples/train-dates/data.js';
import { makeRun } from '../../examples/train-dates/run.js';
import { thorough } from '../thorough.js';

const main = fileURLToPath(new URL('../../examples/train-dates/main.ts', import.meta.url));
const run = fileURLToPath(new URL('../../scripts/run.mjs', import.meta.url));
const start = (...args: string[]) => promisify(execFile)(process.execPath, [run, main, ...args]);

describe('the dates', () => {
  const { seen, unseen } = makePairs(1);

  it('that are held back are a tenth of all days from 1900 to 2100, and training has them in no language', () => {
    const days = new Set(seen.map(([, iso]) => iso));
    const held = new Set(unseen.map(([, iso]) => iso));
    expect(days.size + held.size).toBe(73_414);
    expect(held.size / 73_414).toBeCloseTo(0.1, 2);
    expect([...held].filter((iso) => days.has(iso))).toEqual([]);
  });

  it('mean one day each, whoever writes them', () => {
    const meaning = new Map<string, string>();
    const unclear = [...seen, ...unseen].filter(([text, iso]) => (meaning.get(text) ?? iso) !== iso || !meaning.set(text, iso));
    expect(unclear).toEqual([]);
    expect([...meaning.keys()].filter((text) => /^\d+\/\d+\//.test(text) || !/\d{4}/.test(text))).toEqual([]);
  });

  it('come in all languages, and are those of the seed', () => {
    expect(new Set(unseen.map(([, , language]) => language))).toEqual(new Set(languages));
    expect(makePairs(1).unseen.slice(0, 50)).toEqual(unseen.slice(0, 50));
    expect(makePairs(2).unseen.slice(0, 50)).not.toEqual(unseen.slice(0, 50));
  });

  it('have no character that training does not have', () => {
    const characters = new Characters(seen.map(([text, iso]) => text + iso));
    const strange = unseen.filter(([text]) => characters.decode(characters.encode(text)) !== text);
    expect(strange).toEqual([]);
  });

  it('are written alike: small letters, plain spaces', () => {
    expect(normalize(' Mercredi\u202f24\u00a0SEPTEMBRE ２０３６')).toBe('mercredi 24 septembre 2036');
  });
});

describe('a short run', async () => {
  // One thread, since other tests run beside it; deterministic, so that a date has the same bits in every batch.
  const engine = await createEngine({ threads: 1, deterministic: true });
  afterAll(() => engine.dispose());

  it.runIf(thorough)(
    'learns, reads what its evaluation says it reads, and shows where it looks',
    async () => {
      const { trainer, reader, steps, unseen } = await makeRun(engine, { steps: 180 });
      const losses: number[] = [];
      const { validation } = await trainer.fit({ steps, evaluateEvery: 90, onProgress: ({ loss }) => losses.push(loss) });
      expect(losses[0]).toBeGreaterThan(3);
      // Who reads nothing can know no more than that it is one of all days.
      const ignorant = Math.log(73_414) / '2021-03-04■'.length;
      expect(losses.slice(-10).reduce((sum, loss) => sum + loss / 10, 0)).toBeLessThan(0.8 * ignorant);

      // The evaluation's 256 dates, decoded character by character.
      const dates = unseen.slice(0, 256);
      const said = reader.read(dates.map(([text]) => text));
      expect(validation?.exact).toBeGreaterThan(0);
      expect(validation?.exact).toBe(said.filter((iso, i) => iso === dates[i]?.[1]).length / 256);

      const [text, iso] = dates[0] as (typeof dates)[number];
      const { said: answer, rows, columns, weights } = reader.look(text);
      expect(answer).toBe(said[0]);
      expect(rows.slice(0, answer.length).join('')).toBe(answer);
      expect(columns).toEqual([...text, '</s>']);
      expect(weights.map((row) => row.length)).toEqual(rows.map(() => columns.length));
      for (const row of weights) expect(row.reduce((sum, weight) => sum + weight)).toBeCloseTo(1, 4);
      expect(iso).toMatch(/^\d{4}-\d\d-\d\d$/);
    },
    120_000,
  );

  it('reads anything without failing: nothing, strange letters, a long text', async () => {
    const { reader } = await makeRun(engine, { steps: 2 });
    for (const text of ['', '☃ ☃', 'x'.repeat(300)]) expect(reader.look(text).columns.at(-1)).toBe('</s>');
  }, 60_000);
});

describe('main.ts', () => {
  it.runIf(thorough)(
    'shows its progress, and examples; deterministic runs of any number of threads end alike',
    async () => {
      const last = async (threads: string) => {
        const { stdout, stderr } = await start('--steps', '6', '--threads', threads, '--seed', '3', '--deterministic');
        expect(stderr).toContain('6/6 | loss');
        expect(stdout).toMatch(
          / in 10 languages …\n\d threads?, deterministic; 6 steps\n[\s\S]*Wrong:\n( {2}.* → .*, and it is \d{4}-\d\d-\d\d\n){8}/,
        );
        return [stdout.split('\n').slice(2, -2), /6\/6 \| loss ([\d.]+)/.exec(stderr)?.[1]];
      };
      expect(await last('2')).toEqual(await last('1'));
    },
    120_000,
  );

  it.runIf(process.env.HEED_FULL_EXAMPLES)(
    'learns to read over 99 % of the held-back dates',
    async () => {
      const { stdout } = await start();
      const [, percent] = /([\d.]+) % of \d+ held-back dates exact, after \d+ s/.exec(stdout) ?? [];
      expect(Number(percent)).toBeGreaterThan(99);
    },
    600_000,
  );
});
