/**
 * How many translations fall into a loop: the same word, or group of up to four characters or words, three times in a row or more, where the source has none.
 *   node loops.mjs SOURCES TRANSLATIONS [--show]      two files, a line each
 */
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

/** Units that can be repeated: Han characters, other words. @param {string} text */
const units = (text) => text.toLowerCase().match(/\p{Script=Han}|[\p{L}\p{N}']+/gu) ?? [];

/** What a text says three times in a row or more, or undefined. @param {string} text */
export function loopIn(text) {
  const all = units(text);
  for (let i = 0; i < all.length; i++)
    for (let n = 1; n <= 4; n++) {
      const turn = (/** @type {number} */ k) => all.slice(i + k * n, i + (k + 1) * n).join(' ');
      if (i + 3 * n <= all.length && turn(0) === turn(1) && turn(1) === turn(2)) return turn(0);
    }
  return undefined;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [sources, translations] = process.argv.slice(2, 4).map((file) => readFileSync(file, 'utf8').replace(/\n$/, '').split('\n'));
  const pairs = (sources ?? []).map((source, i) => [source, translations?.[i] ?? '']);
  const loops = pairs.filter(([source, translation]) => loopIn(translation ?? '') !== undefined && loopIn(source ?? '') === undefined);
  if (process.argv.includes('--show')) for (const [source, translation] of loops) console.log(`${source}\t${translation}`);
  console.log(`${loops.length} loops in ${pairs.length} translations`);
}
