/** Files of sentence pairs, for commands: English TAB Chinese, further columns are ignored. */
import { HeedError } from '../errors.js';
import type { Runtime } from '../runtime/types.js';
import { readLines } from '../train/index.js';
import { languages, type Pair } from './translation_recipe.js';

/** All pairs of a file. Throws FORMAT for a file with other lines, or without pairs. */
export async function readPairs(runtime: Runtime, location: string): Promise<Pair[]> {
  const pairs: Pair[] = [];
  for await (const line of readLines(runtime.open(location))) {
    const columns = line.split('\t');
    if (columns.length < languages.length) {
      const where = pairs.length ? `${location}: line ${pairs.length + 1} has 1 column` : `${location} has 1 column in line 1`;
      throw new HeedError('FORMAT', `${where}, and a pair has two`, {
        culprit: location,
        cure: 'A tab stands between a sentence and its translation',
      });
    }
    pairs.push(columns.slice(0, languages.length));
  }
  if (pairs.length) return pairs;
  throw new HeedError('FORMAT', `${location} has no pairs in it`, { culprit: location });
}
