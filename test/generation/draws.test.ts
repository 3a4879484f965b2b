/** What warpers leave, and where stop strings end a text: as transformers has it; and beyond it, strings whose characters are cut between tokens. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { criterionOf } from '../../dist/generation/criteria.js';
import { planOf } from '../../dist/generation/plan.js';
import { warp } from '../../dist/generation/warpers.js';
import { Tokenizer } from '../../dist/text/tokenizer.js';

const read = (path: string) => JSON.parse(readFileSync(new URL(`../fixtures/${path}`, import.meta.url), 'utf8'));
const { warped, stopped } = read('generation/draws.json') as {
  warped: { name: 'min_p' | 'typical_p'; value: number; least: number; scores: (number | null)[]; left: number[] }[];
  stopped: { tokenizer: string; ids: number[]; stop_strings: string[]; ends: number[] }[];
};
const { cases } = read('bpe/expected.json') as { cases: { name: string; tokenizer: unknown }[] };
const tokenizerOf = (name: string) => Tokenizer.from({ tokenizer: cases.find((one) => one.name === name)?.tokenizer });

/** After how many of the tokens a text would end. */
function endsOf(tokenizer: Tokenizer, ids: readonly number[], stop_strings: string[]): number[] {
  const plan = planOf({}, { stop_strings, max_length: 1000 }, [[0]], { V: 1000, positions: 1000 });
  const ends = criterionOf(plan, tokenizer, []);
  return ids.map((_, i) => i + 1).filter((count) => ends(ids.slice(0, count)));
}

describe('transformers', () => {
  it.each(warped.map((one, i) => [i, one] as const))('leaves the same of scores, case %i', (_, { name, value, least, scores, left }) => {
    const row = Float32Array.from(scores, (score) => score ?? Number.NEGATIVE_INFINITY);
    const all = row.slice();
    warp(row, { temperature: 1, top_k: 0, top_p: 1, min_p: 0, typical_p: 1, seed: 0, least, [name]: value });
    expect([...row.keys()].filter((i) => (row[i] as number) > Number.NEGATIVE_INFINITY)).toEqual(left);
    for (const i of left) expect(row[i]).toBe(all[i]);
  });

  it.each(stopped.map((one, i) => [i, one] as const))('ends texts at stop strings where it does, case %i', (_, one) => {
    expect(endsOf(tokenizerOf(one.tokenizer), one.ids, one.stop_strings)).toEqual(one.ends);
  });
});

describe('a stop string', () => {
  it('is found with the token that completes it, though its characters are cut between tokens', () => {
    const tokenizer = tokenizerOf('ByteLevel');
    const ids = tokenizer.encode('a 🜁é z');
    const text = (count: number) => tokenizer.decode(ids.slice(0, count));
    for (const stop of ['é', '🜁', '🜁é', 'é z']) {
      const first = ids.findIndex((_, i) => text(i + 1).includes(stop)) + 1;
      expect(first).toBeGreaterThan(1);
      // The character takes several tokens.
      expect(endsOf(tokenizer, ids, [stop])).toEqual([first]);
    }
    expect(ids.length).toBeGreaterThan(7);
  });
});
