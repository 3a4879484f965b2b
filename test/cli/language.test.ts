/** Which language a text is in, and simplified characters for traditional ones. */
import { describe, expect, it } from 'vitest';
import { languageOf } from '../../dist/cli/language.js';
import { simplifiedOf } from '../../dist/cli/simplified.js';

describe('the language of a text', () => {
  const known = ['en', 'zh'];
  it.each([
    ['I love music.', 'en'],
    ['big cat', 'en'],
    ['No, he does not want to die in Las Vegas.', 'en'],
    ['Die Hard', 'en'],
    ['我喜欢音乐。', 'zh'],
    ['我喜歡音樂。', 'zh'],
    ['我喜欢用Python写程序', 'zh'],
    ["Bonjour le monde, c'est la vie.", 'fr'],
    ['Ich habe heute keine Zeit, und du auch nicht.', 'de'],
    ['Hola, ¿cómo está usted? Yo estoy muy bien.', 'es'],
    ['Привет, мир', 'ru'],
    ['私は音楽が好きです。', 'ja'],
    ['나는 음악을 좋아한다', 'ko'],
    ['大 cat', undefined],
    ['42 + 7 = 49', undefined],
    ['', undefined],
  ])('%s: %s', (text, code) => expect(languageOf(text, known)).toBe(code));

  it('is one of those that are likely, where the script has several', () => {
    expect(languageOf('Guten Tag, wie ist das?', ['en', 'de', 'fr'])).toBe('de');
    expect(languageOf('Quarks', ['en', 'de', 'fr'])).toBeUndefined();
  });
});

describe('simplified characters', () => {
  it.each([
    ['我喜歡音樂。', '我喜欢音乐。'],
    ['這個圖書館開門嗎？', '这个图书馆开门吗？'],
    ['我喜欢音乐，著名的乾隆。', '我喜欢音乐，著名的乾隆。'],
    ['I love 音樂 & コーヒー', 'I love 音乐 & コーヒー'],
  ])('%s', (text, simplified) => expect(simplifiedOf(text)).toBe(simplified));
});
