/** Long texts are tokenized in pieces, and nobody can tell but by the event loop's turns. */
import { describe, expect, it } from 'vitest';
import { kind, kinds, texts } from './hugging_face.js';

/** Hard strings, one behind the other, with words and Chinese between them; as few code units as make several pieces. */
const hard = (() => {
  const between = [' and then ', ' ', '我喜欢音乐，今天', ' \n', 'x y ', ''];
  let text = '';
  for (let i = 0; text.length < 200_000; i++) text += texts[(i * 7) % texts.length] + (between[i % between.length] as string);
  return text;
})();
const samples: Record<string, string> = {
  'of hard strings': hard,
  'of words': 'The quick brown fox, and 42 others; jumped over it. '.repeat(6000),
  'of Chinese': '我喜欢音乐，因为它让我快乐。今天天气很好'.repeat(5_000),
  'of one long word': 'abcdefghij'.repeat(10_000),
};

/** The steps of a generator, and what it returns. */
function counted<T>(steps: Generator<void, T>): { value: T; yields: number } {
  for (let yields = 0; ; yields++) {
    const { done, value } = steps.next();
    if (done) return { value, yields };
  }
}

describe.each(kinds)('%s', (name) => {
  const { tokenizer } = kind(name);
  // What the pieces are held against: the tokenizer's own way through a text that is not cut.
  const { pipeline } = tokenizer as unknown as {
    pipeline: { encode(text: string): number[]; trace(text: string, trims: boolean): object };
  };

  it.each(Object.keys(samples))('gives the tokens of a text %s that it gives in one go', (sample) => {
    const text = samples[sample] as string;
    const { value } = counted(tokenizer.rowSteps(text, { add_special_tokens: false }));
    const whole = pipeline.encode(text);
    expect(value.ids.length).toBe(whole.length);
    expect(value.ids.findIndex((id, i) => id !== whole[i])).toBe(-1);
  });

  it('knows where they stand in it', () => {
    const [one] = counted(tokenizer.encodingsSteps(hard, { add_special_tokens: false })).value;
    const whole = pipeline.trace(hard, false) as { ids: number[]; offsets: [number, number][]; words: number[] };
    expect(one?.ids).toEqual(whole.ids);
    expect(one?.words).toEqual(whole.words);
    const trims = JSON.stringify(one?.offsets) !== JSON.stringify(whole.offsets);
    if (!trims) expect(one?.offsets).toEqual(whole.offsets);
  });

  it('reads no more of a text than is kept of it', () => {
    const text = samples['of words'] as string;
    const cut = counted(tokenizer.rowSteps(text, { truncation: true, max_length: 100 }));
    expect(cut.value.ids).toEqual(tokenizer.encode(text.slice(0, 5000), { truncation: true, max_length: 100 }));
  });
});

describe('the event loop', () => {
  it.each(['bert', 'gpt2', 'llama3', 't5', 'xlmr', 'modernbert'])('may have its turns: %s', (name) => {
    const { tokenizer } = kind(name);
    const text = samples['of words'] as string;
    expect(counted(tokenizer.rowSteps(text)).yields).toBeGreaterThan(5);
    expect(counted(tokenizer.encodingsSteps(text)).yields).toBeGreaterThan(5);
    expect(counted(tokenizer.rowSteps(text, { truncation: true, max_length: 100 })).yields).toBeLessThan(3);
  });
});
