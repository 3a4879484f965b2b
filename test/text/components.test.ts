/** Every component of Hugging Face's tokenizers with each of its options, against what the library makes of 2,000 hard strings, in CI of all of them: test/fixtures/tokenizers/components.json.gz. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type CallableTokenizer, type Encoding, Tokenizer } from '../../dist/text/tokenizer.js';
import { someOf } from '../thorough.js';
import { caseOf, columnsOf, fixture, otherWindows, texts } from './hugging_face.js';

interface Component {
  name: string;
  what: 'encode' | 'ids' | 'cases' | 'rough cases' | 'decode';
  tokenizer: Record<string, unknown>;
  /** Of each hundred rows. */
  digests: string;
  /** Rows that the library has no answer to: it panics where Strip takes all of a token. */
  panics: number[];
  /** Every 400th row, from the eighth on. */
  sample: unknown[];
  cases?: unknown[][];
}

const { model, tokenizers }: { model: object; tokenizers: Component[] } = fixture('components');

/** A run of more than 64 combining marks is put in order 64 at a time. */
const strings = texts.filter((text) => !/\p{M}{65}/u.test(text));
const DIGEST = 12;
const BLOCK = 100;

/** The lists of ids that decoders are tried on, as components.py makes them. */
function idsOf(i: number, count: number): number[] {
  const ids: number[] = [];
  for (let j = 0; j < i % 9; j++) ids.push(j && (i + j) % 5 === 0 ? (ids.at(-1) as number) : (i * 7919 + j * 104729 + i * j * 31) % count);
  return ids;
}

/** How many rows there are, and what one of them is. */
function rowsOf(tokenizer: CallableTokenizer, { what, tokenizer: file, panics }: Component): { length: number; row(i: number): unknown } {
  if (what === 'decode') {
    const count = Object.keys((file.model as { vocab: object }).vocab).length;
    return { length: 2000, row: (i) => (panics.includes(i) ? null : tokenizer.decode(idsOf(i, count))) };
  }
  const row = (i: number) => {
    const text = strings[i] as string;
    const ids = tokenizer.encode(text, { add_special_tokens: false });
    const [encoding] = tokenizer.encodings(text, { add_special_tokens: false }) as [Encoding];
    // A text takes the same way with offsets and without.
    expect(encoding.ids, text).toEqual(ids);
    return what === 'ids' ? ids : columnsOf(encoding, false);
  };
  return { length: strings.length, row };
}

const digestOf = (rows: unknown[]) => createHash('sha256').update(JSON.stringify(rows)).digest('hex').slice(0, DIGEST);

describe('a tokenizer made around', () => {
  it.each(tokenizers.map((component) => [component.name, component] as const))('%s gives what Hugging Face’s gives', (_, component) => {
    const tokenizer = Tokenizer.from({ tokenizer: { model, ...component.tokenizer } });
    const { what, sample, digests, cases = [] } = component;
    const { length, row } = rowsOf(tokenizer, component);
    const found: unknown[] = [];
    const strange: number[] = [];
    for (const block of someOf(Array.from({ length: Math.ceil(length / BLOCK) }, (_, i) => i))) {
      const begin = block * BLOCK;
      const rows = Array.from({ length: Math.min(BLOCK, length - begin) }, (_, i) => row(begin + i));
      // The sample's rows are in the hundreds of a part, too.
      found.push(...rows.filter((_, i) => (begin + i) % 400 === 7));
      if (digestOf(rows) !== digests.slice(block * DIGEST, (block + 1) * DIGEST)) strange.push(block);
    }
    expect(found).toEqual(sample);
    expect(strange, 'hundreds of rows that differ').toEqual([]);
    expect(otherWindows(tokenizer, cases.map(caseOf), what === 'rough cases')).toEqual([]);
  });
});

it('the strings and the components are all there', () => {
  expect(strings.length).toBeGreaterThan(1990);
  expect(tokenizers.length).toBeGreaterThan(200);
});
