/** Ways to cut texts that GGUF files name: each cuts as Oniguruma does, and loses nothing. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { GgufMetadata } from '../../dist/io/gguf.js';
import { JsonNode } from '../../dist/io/json.js';
import { byteAlphabet } from '../../dist/text/byte_level.js';
import { splitterOf, splitters } from '../../dist/text/gguf_splitters.js';
import { preTokenizerOf } from '../../dist/text/pre_tokenizer.js';
import { texts, tokenizerOf } from './gguf_made.js';

describe('a way to cut texts', () => {
  const { text, cuts } = JSON.parse(readFileSync(new URL('../fixtures/gguf/cuts.json', import.meta.url), 'utf8')) as {
    text: string;
    cuts: Record<string, string[]>;
  };

  it.each(splitters.map(({ names }) => names.split(' ')))('named %s cuts as Oniguruma does, and loses nothing', async (...names) => {
    for (const name of names) {
      const splitter = splitterOf(name) as (typeof splitters)[number];
      const by = (Regex: string) => ({ type: 'Split', pattern: { Regex }, behavior: 'Isolated' });
      const pretokenizers = splitter.cuts.length ? splitter.cuts.map(by) : [{ type: 'WhitespaceSplit' }];
      const words = preTokenizerOf(JsonNode.of('x', { pre_tokenizer: { type: 'Sequence', pretokenizers } }))(text, true);
      expect(words).toEqual(cuts[names[0] as string]);
    }
    // Every byte a piece, and two that are merged.
    const alphabet = [...byteAlphabet, 'ab'];
    const characters = [
      ...Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`),
      '▁',
      'a',
      'b',
      'ab',
    ];
    const own = await tokenizerOf(
      new Map<string, unknown>([
        ['tokenizer.ggml.model', 'gpt2'],
        ['tokenizer.ggml.pre', names[0]],
        ['tokenizer.ggml.tokens', texts(splitterOf(names[0] as string)?.characters ? characters : alphabet)],
        ['tokenizer.ggml.merges', texts(['a b'])],
      ]) as GgufMetadata,
    );
    const back = own.decode(own.encode(text));
    expect(back).toBe(names[0] === 'whitespace' ? text.replaceAll(/\s/gu, '') : text);
    expect(own.encode('ab')).toEqual([splitterOf(names[0] as string)?.characters ? 259 : 256]);
  });

  it('has each name once', () => {
    const all = splitters.flatMap(({ names }) => names.split(' '));
    expect(new Set(all).size).toBe(all.length);
    expect(all.length).toBeGreaterThan(75);
  });
});
