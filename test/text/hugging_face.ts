/** Small tokenizers of every kind, and what Hugging Face's tokenizers make of 2,000 hard strings with them: test/fixtures/tokenizers. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { expect } from 'vitest';
import { HeedError } from '../../dist/errors.js';
import { type CallableTokenizer, type Encoding, Tokenizer } from '../../dist/text/tokenizer.js';

type Column = number[];
/** Ids; begins less the end before; lengths; words less the word before, -1 for none. Of a case also segments and texts, 2 for none. */
export type Columns = [ids: Column, begins: Column, lengths: Column, words: Column, types?: Column, texts?: Column];

export interface Case {
  a: string;
  b: string | null;
  truncation: 'longest_first' | 'only_first' | 'only_second';
  truncation_side: 'left' | 'right';
  add_special_tokens: boolean;
  max_length: number;
  stride: number | undefined;
  /** Null where Hugging Face's throws. */
  windows: Columns[] | null;
}

export interface Call {
  texts: string[];
  pairs: string[] | null;
  options: Record<string, unknown>;
  want: {
    input_ids: number[][];
    attention_mask: number[][];
    special_tokens_mask: number[][];
    offset_mapping: [number, number][][];
    overflow_to_sample_mapping: number[] | null;
  };
}

export const fixture = (name: string) =>
  JSON.parse(gunzipSync(readFileSync(new URL(`../fixtures/tokenizers/${name}.json.gz`, import.meta.url))).toString());

export const texts: string[] = fixture('texts');
const charsmap = JSON.stringify(fixture('charsmap')).slice(1, -1);

export const kinds = [
  ...['bert', 'bert-cased', 'mpnet', 'roberta', 'roberta-prefix', 'gpt2', 'modernbert', 'xlmr', 't5', 'albert'],
  ...['llama2', 'llama2-metaspace', 'llama3'],
];

export function kind(name: string) {
  const { pad, tokenizer, columns, decoded, skipped, cases, batches } = fixture(name);
  const file = JSON.parse(JSON.stringify(tokenizer).replaceAll('@charsmap', charsmap));
  const own: CallableTokenizer = Tokenizer.from({ tokenizer: file, config: { pad_token: pad } });
  return {
    tokenizer: own,
    file,
    rowOf: (i: number): Columns => columns.map((column: Column[]) => column[i]),
    decodedOf: (i: number): string | 0 => decoded[i],
    skippedOf: (i: number): string | 0 => skipped[i],
    cases: cases.map(caseOf) as Case[],
    calls: batches as Call[],
  };
}

export function caseOf([a, b, truncation, truncation_side, add_special_tokens, max_length, stride, windows]: unknown[]): Case {
  return { a, b, truncation, truncation_side, add_special_tokens, max_length, stride: stride ?? undefined, windows } as Case;
}

/** The segments of a window's texts, as another window has them. */
const segmentsOf = (window: Columns, first: Columns | undefined): number[] =>
  window[5]?.map((text, i) => (text === 2 ? (window[4]?.[i] ?? 0) : (first?.[4]?.[first[5]?.indexOf(text) ?? -1] ?? text))) ?? [];

/** Cases that a tokenizer cuts into other windows; `rough` does not compare which tokens are the template's. */
export function otherWindows(tokenizer: CallableTokenizer, cases: readonly Case[], rough = false): unknown[] {
  const shown = (windows: readonly Columns[] | null) => JSON.stringify(rough ? windows?.map((window) => window.slice(0, 5)) : windows);
  return cases.flatMap(({ a, b, windows, ...options }) => {
    let got: Columns[] | null;
    // Hugging Face's forgets the template's segments in all windows but the first.
    const want = windows?.map((window, i) => (i ? (window.with(4, segmentsOf(window, windows[0])) as Columns) : window)) ?? null;
    try {
      got = tokenizer.encodings(a, { ...options, text_pair: b }).map((window) => columnsOf(window, true));
    } catch (error) {
      expect(error).toBeInstanceOf(HeedError);
      got = null;
    }
    return shown(got) === shown(want) ? [] : [{ a, b, options, got, want }];
  });
}

/** An encoding as the fixture has it. */
export function columnsOf({ ids, offsets, words, texts: sides, typeIds }: Encoding, all: boolean): Columns {
  const begins: Column = [];
  const lengths: Column = [];
  const steps: Column = [];
  let [end, word] = [0, 0];
  offsets.forEach((offset, i) => {
    begins.push(offset[0] - end);
    lengths.push(offset[1] - offset[0]);
    end = offset[1];
    const own = words[i] ?? -1;
    steps.push(own - word);
    word = own;
  });
  return all ? [ids, begins, lengths, steps, typeIds, sides.map((side) => side ?? 2)] : [ids, begins, lengths, steps];
}
