/**
 * Sentences as people type them: without capitals or a final stop, with half-width marks in Chinese. A translator that has learned only from proper ones
 * stumbles over them. Targets stay proper, so that a translation is cased and punctuated whatever it is made of.
 */
import { Random } from '../random.js';
import type { Pair, Settings } from './translation_recipe.js';

const halfWidth: Readonly<Record<string, string>> = { '，': ', ', '。': '.', '？': '?', '！': '!', '：': ': ', '；': '; ' };

/** What happens to a source; each happens alone or with the one after it. */
const habits: readonly ((text: string) => string)[] = [
  (text) => text.toLowerCase(),
  (text) => text.replace(/[.。!！]$/u, ''),
  (text) => text.replace(/[，。？！：；]/gu, (mark) => halfWidth[mark] as string).trim(),
  (text) => text.replace(/[?？]$/u, ''),
  (text) => text.replace(/[.。]$/u, (mark) => (mark === '.' ? '!' : '！')),
];

/** Each pair, and behind it its sources as they are learned from: a share `careless` of them typed carelessly. Same seed, same texts. */
export function asTyped(pairs: readonly Pair[], { careless, seed }: Pick<Settings, 'careless' | 'seed'>): readonly Pair[] {
  if (!careless) return pairs;
  const random = new Random(seed, 'careless');
  return pairs.map((pair) => [...pair, ...pair.map((text) => (random.uniform() < careless ? typed(text, random) : text))]);
}

function typed(text: string, random: Random): string {
  const habit = random.below(habits.length);
  const once = (habits[habit] as (text: string) => string)(text);
  const both = random.below(2) ? (habits[(habit + 1) % habits.length] as (text: string) => string)(once) : once;
  return both || text;
}
