/**
 * Tokenizers of BLEU: sacreBLEU's 13a, which is that of WMT, and zh, which also separates every Chinese
 * character. Scores are comparable only with the same tokenizer. White space is that of Python.
 */

/** Python's str.isspace: U+001C to U+001F and U+0085 are white space there and not in JavaScript, U+FEFF the other way round. */
const SPACE = '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
const spaces = new RegExp(`[${SPACE}]+`, 'u');
const leading = new RegExp(`^[${SPACE}]+`, 'u');

/** Python's str.split(). */
export const words = (text: string): string[] => text.split(spaces).filter(Boolean);

/** Python's str.rstrip(). A pattern with $ would take quadratic time for spaces within a text. */
function withoutEnd(text: string): string {
  let end = text.length;
  while (end > 0 && spaces.test(text.charAt(end - 1))) end--;
  return text.slice(0, end);
}

/** Last step of 13a and zh: separates ASCII punctuation and symbols, except apostrophes and marks within a number. */
const western = (line: string): string =>
  line
    .replace(/([{-~[-` -&(-+:-@/])/gu, ' $1 ')
    .replace(/([^0-9])([.,])/gu, '$1 $2 ')
    .replace(/([.,])([^0-9])/gu, ' $1 $2')
    .replace(/([0-9])(-)/gu, '$1 $2 ');

const entities: readonly (readonly [string, string])[] = [
  ['&quot;', '"'],
  ['&amp;', '&'],
  ['&lt;', '<'],
  ['&gt;', '>'],
];

function wmt13a(line: string): string {
  const joined = line.replaceAll('<skipped>', '').replaceAll('-\n', '').replaceAll('\n', ' ');
  return western(` ${entities.reduce((text, [entity, character]) => text.replaceAll(entity, character), joined)} `);
}

/**
 * Chinese characters and punctuation as sacreBLEU has them. From U+2001 to U+2A6D is a slip in it, '\u20000' read as U+2000 and '0', which
 * all scores since have been made with: curly quotes and dashes count, ideographs beyond U+FFFF do not.
 */
const chinese =
  /[\u2001-\u2a6d\u2e80-\u2fdf\u2ff0-\u303f\u3100-\u312f\u31a0-\u31ef\u3200-\u4db5\u4e00-\u9fbb\uf900-\ufa2d\ufa30-\ufa6a\ufa70-\ufad9\ufe10-\ufe1f\ufe30-\ufe4f\uff00-\uffef]/gu;

/** The tokenizers, by sacreBLEU's names. */
export const tokenizers = {
  '13a': wmt13a,
  zh: (line: string): string => western(line.replace(leading, '').replace(chinese, ' $& ')),
  none: (line: string): string => line,
} as const satisfies Readonly<Record<string, (line: string) => string>>;

/**
 * Tokenizer of BLEU, by sacreBLEU's names: '13a' for languages with spaces, 'zh' for Chinese, 'none' for texts that are already
 * tokenized.
 */
export type BleuTokenizer = keyof typeof tokenizers;

/** Words of a sentence. */
export const tokensOf = (line: string, tokenizer: BleuTokenizer): string[] => words(tokenizers[tokenizer](withoutEnd(line)));
