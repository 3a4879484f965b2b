/** A translator that is small enough to be trained many times: words of a made-up English, of which each is one Chinese character. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '../../dist/train/index.js';

const words = { big: '大', small: '小', cat: '猫', dog: '狗', house: '家', tree: '树', sun: '日', moon: '月' };
const english = Object.keys(words) as (keyof typeof words)[];

/** Pairs of two to four words, with an attribution as Tatoeba's have it. */
export function pairs(count: number, seed: number): string[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => {
    const some = Array.from({ length: 2 + random.below(3) }, () => english[random.below(english.length)] as keyof typeof words);
    return `${some.join(' ')}\t${some.map((word) => words[word]).join('')}\tsomebody`;
  });
}

/** train.tsv, valid.tsv and test.tsv in a folder of their own. */
export function writeData(folder: string): string {
  mkdirSync(folder, { recursive: true });
  for (const [i, [file, count]] of Object.entries({ train: 90, valid: 10, test: 6 }).entries())
    writeFileSync(join(folder, `${file}.tsv`), `${pairs(count, i).join('\n')}\n`);
  return folder;
}

/** Sizes and settings for `heed train translation`. */
export const small = [
  ...['--steps', '40', '--warmup', '5', '--batch', '16', '--evaluate-every', '10', '--learning-rate', '0.01'],
  ...['--d-model', '16', '--heads', '2', '--layers', '1', '--feed-forward', '32', '--vocabulary', '60'],
  ...['--threads', '1', '--deterministic'],
];
