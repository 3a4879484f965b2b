/** Translation, summarization, text2text-generation: what generate writes for each piece of each text, put together in order. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createEngine, pipeline, TextStreamer, type Translator } from 'heed';
import { afterAll, describe, expect, it } from 'vitest';
import { joined, sentencesOf } from '../../dist/pipelines/sentences.js';
import { tinyTranslator } from './tiny_translator.js';

const engine = await createEngine({ threads: 1, deterministic: true });
const made: string[] = [];
afterAll(async () => {
  await engine.dispose();
  for (const folder of made) await rm(folder, { recursive: true });
});

async function folderWith(more: object = {}, tokenizerConfig: object = {}): Promise<string> {
  const folder = await tinyTranslator(more, tokenizerConfig);
  made.push(folder);
  return folder;
}

const directions = {
  task_specific_params: {
    translation_en_to_zh: { prefix: '<2zh>', max_length: 9 },
    translation_zh_to_en: { prefix: '<2en>', num_beams: 2, max_length: 9 },
  },
};
const plain = await folderWith();
const both = await folderWith(directions);

/** What the model writes for one source. */
async function written(made: Translator, source: string, options: object = {}): Promise<string> {
  const ids = await made.model.generate({ input_ids: [made.tokenizer.encode(source)], ...options });
  return made.tokenizer.decode(ids.data as Int32Array, { skip_special_tokens: true });
}

describe('translation', async () => {
  const translate = await pipeline('translation', plain, { engine });
  const options = { max_new_tokens: 8 };

  it('translates each sentence, and puts back what was between them', async () => {
    const text = '  Hello there. He is.\n\n\tWe see him!  The end';
    const [a, b, c, d] = await Promise.all(
      ['Hello there.', 'He is.', 'We see him!', 'The end'].map((source) => written(translate, source, options)),
    );
    const lists = {
      lead: '  ',
      sentences: [a, b, c, d].map((text, i) => ({ text: text as string, gap: [' ', '\n\n\t', '  ', ''][i] as string })),
    };
    expect(await translate(text, options)).toEqual([{ translation_text: joined(lists) }]);
  });

  it('gives a result for each text in order, and each is what it is alone', async () => {
    const texts = ['abc', 'A longer one, here. And more!', '', ' \n ', 'b'];
    const all = await translate(texts, options);
    for (const [i, text] of texts.entries()) expect(await translate(text, options)).toEqual([all[i]]);
    expect(all.slice(2, 4)).toEqual([{ translation_text: '' }, { translation_text: ' \n ' }]);
    expect(await translate([])).toEqual([]);
  });

  it('passes options on, returns several, and says how far it is', async () => {
    const heard: number[][] = [];
    const onProgress = (done: number, total: number) => void heard.push([done, total]);
    const several = await translate(['abc. Def.', 'xyz'], { ...options, num_beams: 3, num_return_sequences: 3, onProgress });
    expect(several).toHaveLength(6);
    expect(heard.at(-1)).toEqual([3, 3]);
    expect(await translate('xyz', { ...options, num_beams: 3 })).toEqual([several[3]]);
  });

  it('streams sentence by sentence', async () => {
    const pieces: string[] = [];
    const streamer = new TextStreamer(translate.tokenizer, { callback_function: (text) => pieces.push(text) });
    const [result] = await translate('abc. Def.', { ...options, streamer });
    const [a, b] = [await written(translate, 'abc.', options), await written(translate, 'Def.', options)];
    expect(pieces.join('')).toBe(a + b);
    expect(result?.translation_text.startsWith(a)).toBe(true);
  });

  it('refuses what it cannot do', async () => {
    const refuses = (given: unknown, more: object, code: string, culprit: string) =>
      expect(translate(given as string, { ...options, ...more } as object)).rejects.toMatchObject({ code, culprit });
    await refuses('a', { tgt_lang: 'zh' }, 'UNSUPPORTED', 'tgt_lang');
    await refuses('a', { language: 'zh' }, 'UNSUPPORTED', 'language');
    await refuses('a', { num_beams: 0 }, 'ARGUMENT', 'num_beams');
    await refuses('a', { truncation: 1 }, 'ARGUMENT', 'truncation');
    await refuses('a', { clean_up_tokenization_spaces: 1 }, 'ARGUMENT', 'clean_up_tokenization_spaces');
    await refuses('a', { tgt_lang: 1 }, 'ARGUMENT', 'tgt_lang');
    await refuses(['a', 1], {}, 'ARGUMENT', 'texts');
    await refuses('a'.repeat(100), {}, 'ARGUMENT', 'texts');
    expect(await translate('a'.repeat(100), { ...options, truncation: true })).toHaveLength(1);
    const abort = new AbortController();
    abort.abort(new Error('enough'));
    await expect(translate('a', { signal: abort.signal })).rejects.toThrow('enough');
  });
});

describe('a model that knows languages', async () => {
  const translate = await pipeline('translation', both, { engine });

  it('is told by the text’s script, or by the call', async () => {
    const [en, zh] = [
      await written(translate, '<2zh>Hello.', { max_length: 9 }),
      await written(translate, '<2en>你好。', { max_length: 9, num_beams: 2 }),
    ];
    expect(en).not.toBe(await written(translate, '<2en>Hello.', { max_length: 9 }));
    expect(await translate(['Hello.', '你好。'])).toEqual([{ translation_text: en }, { translation_text: zh }]);
    expect(await translate('Hello.', { tgt_lang: 'zh', src_lang: 'en' })).toEqual([{ translation_text: en }]);
    expect(await translate('你好。', { tgt_lang: 'en' })).toEqual([{ translation_text: zh }]);
    const other = await written(translate, '<2en>Hello.', { max_length: 9, num_beams: 2 });
    expect(await translate('Hello.', { tgt_lang: 'en' })).toEqual([{ translation_text: other }]);
    // The call's word stands before the task's.
    const short = await written(translate, '<2zh>Hello.', { max_new_tokens: 3 });
    expect(await translate('Hello.', { max_new_tokens: 3 })).toEqual([{ translation_text: short }]);
  });

  it('shows what the model gets', () => {
    expect(translate.encode('Hello.')).toEqual(translate.tokenizer.encode('<2zh>Hello.'));
    expect(translate.encode('Hello.', { tgt_lang: 'en' })).toEqual(translate.tokenizer.encode('<2en>Hello.'));
  });

  it('refuses languages that it does not know', async () => {
    await expect(translate('Hello.', { tgt_lang: 'fr' })).rejects.toMatchObject({ code: 'ARGUMENT', culprit: 'tgt_lang' });
    await expect(translate('Hello.', { src_lang: 'fr' })).rejects.toMatchObject({ code: 'ARGUMENT', culprit: 'src_lang' });
    const three = { task_specific_params: { translation_en_to_de: {}, translation_en_to_fr: {} } };
    const many = await pipeline('translation', await folderWith(three), { engine });
    await expect(many('Hello.')).rejects.toMatchObject({ code: 'ARGUMENT', culprit: 'tgt_lang' });
    expect(await many('Hello.', { tgt_lang: 'fr', max_new_tokens: 2 })).toHaveLength(1);
  });
});

describe('the other tasks', () => {
  it('put their prefix before a text, and name their results', async () => {
    const folder = await folderWith({ task_specific_params: { summarization: { prefix: 'sum: ', max_length: 7 } } });
    const summarize = await pipeline('summarization', folder, { engine });
    const want = await written(summarize as unknown as Translator, 'sum: One. Two.', { max_length: 7 });
    expect(await summarize('One. Two.')).toEqual([{ summary_text: want }]);
    const write = await pipeline('text2text-generation', folder, { engine });
    const own = await written(write as unknown as Translator, 'One. Two.', { max_new_tokens: 4 });
    expect(await write(['One. Two.'], { max_new_tokens: 4 })).toEqual([{ generated_text: own }]);
    // A summary is one of the beginning, where a text is too long.
    expect(await summarize('word '.repeat(50))).toHaveLength(1);
    await expect(summarize('a', { tgt_lang: 'zh' } as object)).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  });

  it('throw what the files are guilty of, and leave nothing behind', async () => {
    const before = engine.memory().used;
    const folder = await folderWith({ task_specific_params: { summarization: { max_length: 'x' } } });
    await expect(pipeline('summarization', folder, { engine })).rejects.toMatchObject({ code: 'FORMAT' });
    await rm(join(plain, 'tokenizer.json'));
    await expect(pipeline('summarization', plain, { engine })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(engine.memory().used).toBe(before);
  });
});

describe('sentences', () => {
  it.each([
    ['One. Two! Three?', ['One.', 'Two!', 'Three?']],
    ['我喜欢音乐。他也是。', ['我喜欢音乐。', '他也是。']],
    ['Mr. Smith met Dr. Jones. J. S. Bach did not.', ['Mr. Smith met Dr. Jones.', 'J. S. Bach did not.']],
    ['a\nb\n\nc', ['a', 'b', 'c']],
    ['It costs 3.50 dollars. OK', ['It costs 3.50 dollars.', 'OK']],
    ['', []],
    [' \n', []],
  ])('of %j', (text, want) => {
    expect(sentencesOf(text).sentences.map((sentence) => sentence.text)).toEqual(want);
  });

  it('are found in a long text as in each of its paragraphs', () => {
    const paragraph =
      'It is 3.5 miles. Two! (He said: "No." and went.) Mr. Lee\u2026 is here? 你好。天气 J. R. R. T. wrote it, on and on and on.\n\n';
    const count = 1000; // 110,000 characters
    const own = sentencesOf(paragraph).sentences;
    expect(own.length).toBeGreaterThan(5);
    const found = sentencesOf(paragraph.repeat(count));
    expect(found.sentences).toEqual(Array.from({ length: count }, () => own).flat());
    expect(joined(found)).toBe(paragraph.repeat(count));
    expect(sentencesOf('word '.repeat(30_000)).sentences).toHaveLength(1);
  });

  it('come back as they were, where sentences are written with spaces', () => {
    for (const text of ['  One. Two!\n\n\tThree?  Four \n', 'a\r\nb', '', ' \n ']) expect(joined(sentencesOf(text))).toBe(text);
  });

  it('are put together as the translation is written', () => {
    const translated = (text: string, ...into: string[]) => {
      const { lead, sentences } = sentencesOf(text);
      return joined({ lead, sentences: sentences.map(({ gap }, i) => ({ text: into[i] as string, gap })) });
    };
    expect(translated('我是。你是。', 'I am.', 'You are.')).toBe('I am. You are.');
    expect(translated('I am. You are.', '我是。', '你是。')).toBe('我是。你是。');
    expect(translated('I am.\nYou are.', '我是。', '你是。')).toBe('我是。\n你是。');
  });
});
