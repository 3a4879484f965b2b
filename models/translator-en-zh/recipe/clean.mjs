/** Sentences as the translator is to write them: simplified characters, Chinese marks in Chinese, straight quotes in English. */
import { Converter } from 'opencc-js/t2cn';

const simplified = Converter({ from: 't', to: 'cn' });
const han = '[\\p{Script=Han}\u3000-\u303f\uff00-\uffef]';
const between = new RegExp(`(?<=${han})[ \\t]+(?=${han})`, 'gu');
const marks = { ',': '，', '?': '？', '!': '！', ':': '：', ';': '；' };
/** A mark between Latin letters or digits, as in 10:30 or 1,000, stays what it is. */
const halfMark = /(?<=[\p{Script=Han}”）》’])[,?!:;] ?|[?!] ?$/gu;

/** @param {string} text */
export function chinese(text) {
  const plain = simplified(text.normalize('NFC').trim())
    .replace(/[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]/g, (c) => String.fromCharCode(c.charCodeAt(0) - 0xfee0))
    .replace(/甚么/g, '什么')
    .replace(/(?<![A-Za-z])Tom(?![A-Za-z])/g, '汤姆')
    .replace(/(?<![A-Za-z])Mary(?![A-Za-z])/g, '玛丽')
    .replace(/[「『]/g, '“')
    .replace(/[」』]/g, '”')
    .replace(/\.{3,}|。{2,}|…+/g, '……')
    .replace(halfMark, (mark) => marks[/** @type {keyof typeof marks} */ (mark.trim())])
    .replace(/(?<=\p{Script=Han})\.$/u, '。')
    .replace(/\s+/g, ' ')
    .replace(between, '');
  // Quotes open and close in turn.
  let quotes = 0;
  return plain.replace(/"/g, () => (quotes++ % 2 ? '”' : '“'));
}

/** @param {string} text */
export function english(text) {
  return text
    .normalize('NFC')
    .replace(/[’‘]/g, "'")
    .replace(/[“”]/g, '"')
    .replace(/…/g, '...')
    .replace(/[\u2010\u2011]/g, '-')
    .replace(/\s+/g, ' ')
    .trim();
}

/** A final stop that one side has and the other lacks. @type {(pair: [string, string]) => [string, string]} */
export function stopped([en, zh]) {
  if (/[A-Za-z0-9]\.$/.test(en) && /[\p{Script=Han}A-Za-z0-9]$/u.test(zh)) return [en, `${zh}。`];
  if (/[A-Za-z0-9]$/.test(en) && /\p{Script=Han}。$/u.test(zh)) return [`${en}.`, zh];
  return [en, zh];
}

/** What a sentence is told apart by: its letters and digits. @param {string} text */
export const keyOf = (text) => text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '');
