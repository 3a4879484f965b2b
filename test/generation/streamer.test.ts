/** TextStreamer: what it tells adds up to the text, and nothing that it told is taken back. */
import { readFileSync } from 'node:fs';
import { createEngine, TextStreamer } from 'heed';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { Tokenizer } from '../../dist/text/tokenizer.js';
import { randomToy, searchToy } from './toy.js';

const { cases } = JSON.parse(readFileSync(new URL('../fixtures/bpe/expected.json', import.meta.url), 'utf8')) as {
  cases: { name: string; tokenizer: unknown; ids: number[][]; decoded: string[] }[];
};

/** Tokens that are words: 0 starts, 1 … are these. */
const words = ['<s>', ' one', ' two', 'ish', '\n', '你', '好', ' three'];
const tokenizer = {
  decode: (ids: Iterable<number | bigint>, options?: { skip_special_tokens?: boolean }) =>
    Array.from(ids, (id) => (options?.skip_special_tokens && Number(id) === 0 ? '' : words[Number(id)])).join(''),
};

function streamed(ids: readonly number[], options: object = {}) {
  const pieces: string[] = [];
  const streamer = new TextStreamer(tokenizer, { callback_function: (text) => pieces.push(text), ...options });
  streamer.put([[0]]);
  for (const id of ids) streamer.put([[id]]);
  streamer.end();
  return pieces;
}

describe('a TextStreamer', () => {
  it('tells of words when they are whole, of lines, and of ideographs at once', () => {
    expect(streamed([1, 2, 3, 7])).toEqual([' ', 'one ', 'twoish ', 'three']);
    expect(streamed([1, 4, 2])).toEqual([' ', 'one\n', ' ', 'two']);
    expect(streamed([5, 6, 1])).toEqual(['你', '好', ' ', 'one']);
  });

  it.each(cases.map((one) => [one.name, one] as const))('tells in pieces what decode says at once: %s', (_, { tokenizer: json, ids }) => {
    const own = Tokenizer.from({ tokenizer: json });
    for (const row of ids) {
      const pieces: string[] = [];
      const streamer = new TextStreamer(own, { callback_function: (text) => pieces.push(text) });
      streamer.put([[]]);
      for (const id of row) streamer.put([[id]]);
      streamer.end();
      const text = own.decode(row, { skip_special_tokens: true });
      // Behind a line break tokens are read anew, as in transformers.js: a first space may go.
      if (!text.includes('\n')) expect(pieces.join('')).toBe(text);
    }
  });

  describe('shows no part of a string that ends the text', () => {
    const until = (stops: string[], ids: number[], options: object = {}) => {
      const pieces: string[] = [];
      const streamer = new TextStreamer(tokenizer, { callback_function: (text) => pieces.push(text), ...options });
      streamer.stopsAt(stops);
      streamer.put([[0, 4]]);
      for (const id of ids) streamer.put([[id]]);
      streamer.end();
      return pieces.join('');
    };

    it('whole or cut by tokens and lines, or begun in the prompt', () => {
      expect(until(['two'], [1, 2])).toBe('\n one ');
      expect(until(['woish'], [1, 2, 3])).toBe('\n one t');
      expect(until(['one\n t'], [7, 1, 4, 2])).toBe('\n three ');
      expect(until(['\n\n'], [1, 4, 4])).toBe('\n one');
      expect(until(['\n one'], [1], { skip_prompt: true })).toBe('');
      expect(until(['你好'], [1, 5, 6])).toBe('\n one');
      expect(until(['x', 'e tw', 'o'], [1])).toBe('\n ');
    });

    it('and all that only looked like one', () => {
      expect(until(['two!'], [1, 2])).toBe('\n one two');
      expect(until(['\n\n'], [1, 4, 2])).toBe('\n one\n two');
      expect(until(['ish two'], [2, 3, 1])).toBe('\n twoish one');
      // The text went on, so that this was none.
      expect(until(['one'], [1, 2], { skip_prompt: true })).toBe(' one two');
    });

    it('once: the next text is told as it is', () => {
      const pieces: string[] = [];
      const streamer = new TextStreamer(tokenizer, { callback_function: (text) => pieces.push(text) });
      streamer.stopsAt(['one']);
      for (let i = 0; i < 2; i++) {
        streamer.put([[0]]);
        streamer.put([[1]]);
        streamer.end();
      }
      expect(pieces.join('')).toBe('  one');
    });
  });

  it('leaves out the prompt, special tokens, or neither', () => {
    expect(streamed([1], { skip_special_tokens: false }).join('')).toBe('<s> one');
    expect(streamed([1], { skip_special_tokens: false, skip_prompt: true }).join('')).toBe(' one');
  });

  it('tells of tokens too, and of one text after the other', () => {
    const tokens: number[][] = [];
    const streamer = new TextStreamer(tokenizer, {
      token_callback_function: (ids) => void tokens.push(ids),
      callback_function: () => {},
      skip_prompt: true,
    });
    for (const id of [1, 2]) {
      streamer.put([[0]]);
      streamer.put([[id]]);
      streamer.end();
    }
    expect(tokens).toEqual([[1], [2]]);
  });

  it('writes lines where nobody listens', () => {
    const log = vi.spyOn(console, 'log').mockImplementation(() => {});
    streamed([1, 4, 2, 3], { callback_function: undefined });
    expect(log.mock.calls).toEqual([[' one'], [' twoish']]);
    log.mockRestore();
  });

  it('refuses what it cannot do', () => {
    const code = (make: () => unknown) => {
      try {
        make();
      } catch (error) {
        return (error as { code: string }).code;
      }
      return undefined;
    };
    expect(code(() => new TextStreamer(tokenizer, { skip_prompts: true } as never))).toBe('UNSUPPORTED');
    expect(code(() => new TextStreamer({} as never))).toBe('ARGUMENT');
    expect(code(() => new TextStreamer(tokenizer, { callback_function: 1 } as never))).toBe('ARGUMENT');
    expect(code(() => new TextStreamer(tokenizer, { skip_prompt: 1 } as never))).toBe('ARGUMENT');
    expect(code(() => new TextStreamer(tokenizer).put([[1], [2]]))).toBe('ARGUMENT');
  });
});

describe('a search that is listened to', async () => {
  const engine = await createEngine({ threads: 1 });
  afterAll(() => engine.dispose());

  it('tells of its first tokens, of each that it finds, and of its end', async () => {
    const told: unknown[] = [];
    const streamer = { put: (rows: number[][]) => void told.push(rows), end: () => void told.push('end') };
    const [found] = await searchToy(engine, randomToy(1, 6, 1, 8), { max_length: 7 }, { streamer, prompt: [0, 3] });
    expect(told).toEqual([[[0, 3]], ...(found?.ids.slice(2) ?? []).map((id) => [[id]]), 'end']);
    expect(told).toHaveLength(7);
  });
});
