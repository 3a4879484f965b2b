/** Pieces of a sound as one text, and tokens as words: what transformers makes of them. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Heard, merged } from '../../../dist/pipelines/speech/merge.js';
import { wordsOf } from '../../../dist/pipelines/speech/words.js';

interface Case {
  mode: boolean | 'word';
  pieces: { tokens: number[]; times: number[]; stride: [length: number, left: number, right: number] }[];
  text: string;
  chunks?: { text: string; timestamp: [number | null, number | null] }[];
}
const { begin, cases, words } = JSON.parse(readFileSync(new URL('../../fixtures/speech/merge.json', import.meta.url), 'utf8')) as {
  begin: number;
  cases: Case[];
  words: { language: string; text: string; words: string[] }[];
};
const codes: Record<string, string> = { english: 'en', german: 'de', japanese: 'ja', chinese: 'zh' };

const decode = (tokens: readonly number[]) => new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(tokens));

function heardIn({ tokens, times }: Case['pieces'][number], mode: Case['mode']): Heard[] {
  return tokens.flatMap((token, i): Heard[] => {
    if (token >= begin) return mode ? [{ time: (token - begin) * 0.02 }] : [];
    return [{ token, span: mode === 'word' ? [times[i - 1] ?? 0, times[i] as number] : [0, 0] }];
  });
}

describe('pieces that overlap', () => {
  it.each(cases.map((one, i) => [`${i}: ${one.pieces.length} pieces, timestamps ${one.mode}`, one] as const))(
    '%s',
    (_, { mode, pieces, text, chunks }) => {
      const found = merged(
        pieces.map((piece) => ({
          heard: heardIn(piece, mode),
          stride: { length: piece.stride[0], left: piece.stride[1], right: piece.stride[2] },
        })),
      );
      expect(found.map(({ tokens }) => decode(tokens)).join('')).toBe(text);
      if (mode === true)
        expect(found.map(({ start = null, end = null, tokens }) => ({ timestamp: [start, end], text: decode(tokens) }))).toEqual(chunks);
      if (mode === 'word') expect(found.flatMap(({ tokens, spans }) => wordsOf(tokens, spans, decode))).toEqual(chunks);
    },
  );
});

describe('words', () => {
  it.each(words.map((one) => [one.language, one] as const))('of %s', (language, { text, words: expected }) => {
    const tokens = [...new TextEncoder().encode(text)];
    const found = wordsOf(
      tokens,
      tokens.map((_, i) => [i, i + 1] as const),
      decode,
      codes[language],
    );
    expect(found.map((word) => word.text)).toEqual(expected);
    // Each begins where the one before ends.
    expect(found.map(({ timestamp: [start] }) => start)).toEqual([0, ...found.slice(0, -1).map(({ timestamp: [, end] }) => end)]);
  });
});
