/**
 * Makes the folder that `heed train translation` learns from: train.tsv, valid.tsv, test.tsv and tokenizer.json.
 *   node mix.mjs --data FOLDER --out FOLDER          FOLDER holds what sources.mjs names
 * Same sources, same bytes. What was taken from where is printed, and stands in the model's card.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { trainBpe } from 'heed/train';
import { chinese, english, keyOf, stopped } from './clean.mjs';
import { numbered } from './numbers.mjs';
import { everyday, handwritten, sources, tests } from './sources.mjs';

const { data = '', out = '' } = parseArgs({ options: { data: { type: 'string' }, out: { type: 'string' } } }).values;
const VOCABULARY = 10_000;
/** Chinese characters that are pieces of their own; rarer ones are spelt in bytes. */
const ALPHABET = 3_700;
const MADE = 4_000;

/** @param {string} file @returns {[string, string][]} */
const read = (file) =>
  readFileSync(join(data, file), 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => /** @type {[string, string]} */ (line.split('\t').slice(0, 2)));

/** mulberry32: any generator does, as long as it is always the same. @param {number} seed */
const draws = (seed) => ({
  next() {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  },
  /** @param {number} n */
  below(n) {
    return Math.floor(this.next() * n);
  },
});

/** @param {[string, string]} pair */
const cleaned = ([en, zh]) => /** @type {[string, string]} */ ([english(en), chinese(zh)]);
const held = tests.flatMap(read).map(cleaned);
const heldEnglish = new Set(held.map(([en]) => keyOf(en)));
const heldChinese = new Set(held.map(([, zh]) => keyOf(zh)));
const judged = new Set(read(everyday).map(([en]) => keyOf(en)));
const judgedAndLearned = new Set();

const random = draws(1);
/** @type {[string, string][]} */
const train = [];
const seen = new Set();
for (const { file, times, words = 30, sentences = false } of sources) {
  let [taken, left] = [0, 0];
  for (const raw of read(file)) {
    const pair = sentences ? stopped(cleaned(raw)) : cleaned(raw);
    const [en, zh] = pair;
    const copies = Math.floor(times) + (random.next() < times % 1 ? 1 : 0);
    const key = `${keyOf(en)}\t${keyOf(zh)}`;
    const known = seen.has(key) || heldEnglish.has(keyOf(en)) || heldChinese.has(keyOf(zh));
    const alike = file === handwritten && judged.has(keyOf(en));
    const usable = /[A-Za-z0-9]/.test(en) && /\p{Script=Han}/u.test(zh) && en.split(' ').length <= words && !/\p{Script=Han}/u.test(en);
    if (known || alike || !usable) {
      left++;
      continue;
    }
    if (!copies) continue;
    seen.add(key);
    taken++;
    if (judged.has(keyOf(en))) judgedAndLearned.add(keyOf(en));
    for (let copy = 0; copy < copies; copy++) train.push(pair);
  }
  console.log(`${file}: ${taken} pairs, times ${times}; ${left} left out`);
}
const made = numbered(MADE, random).filter(([en]) => !judged.has(keyOf(en)) && !heldEnglish.has(keyOf(en)));
train.push(...made);
console.log(`made by rule: ${made.length}`);
console.log(
  `${train.length} pairs an epoch; of the ${judged.size} sentences of ${everyday}, ${judgedAndLearned.size} stand in the sources`,
);
for (let i = train.length - 1; i > 0; i--) {
  const j = random.below(i + 1);
  [train[i], train[j]] = [/** @type {[string, string]} */ (train[j]), /** @type {[string, string]} */ (train[i])];
}

mkdirSync(out, { recursive: true });
/** @param {string} name @param {readonly [string, string][]} pairs */
const write = (name, pairs) => writeFileSync(join(out, name), pairs.map((pair) => `${pair.join('\t')}\n`).join(''));
write('train.tsv', train);
write('valid.tsv', read('tatoeba-eng-cmn/valid.tsv').map(cleaned));
write('test.tsv', read('tatoeba-eng-cmn/test.tsv'));
const special = ['<pad>', '<unk>', '<s>', '</s>', '<2zh>', '<2en>'];
const tokenizer = await trainBpe(train.flat(), {
  ...{ vocabSize: VOCABULARY, minFrequency: 3, limitAlphabet: ALPHABET, specialTokens: special, unkToken: '<unk>' },
  // Marks and digits stand alone: else half of the vocabulary is words with a full stop behind them.
  ...{ normalizer: 'NFC', byteFallback: true, isolate: '\\p{N}|[.,!?;:…"()“”。，！？；：（）《》、]' },
});
writeFileSync(join(out, 'tokenizer.json'), JSON.stringify(tokenizer));
