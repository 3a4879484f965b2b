/**
 * Carelessly typed sentences: without capitals or a final stop, with half-width marks in Chinese. A translator trained only on proper ones
 * translates them badly. Targets stay proper, so that a translation is cased and punctuated whatever its source.
 */
import { Random } from '../random.js';
import type { Pair, Settings } from './translation_recipe.js';

const halfWidth: Readonly<Record<string, string>> = { '，': ', ', '。': '.', '？': '?', '！': '!', '：': ': ', '；': '; ' };

/** Changes of a source; each happens alone or with the one after it. */
const habits: readonly ((text: string) => string)[] = [
  (text) => text.toLowerCase(),
  (text) => text.replace(/[.。!！]$/u, ''),
  (text) => text.replace(/[，。？！：；]/gu, (mark) => halfWidth[mark] as string).trim(),
  (text) => text.replace(/[?？]$/u, ''),
  (text) => text.replace(/[.。]$/u, (mark) => (mark === '.' ? '!' : '！')),
];

/** Each pair followed by its sources for training: a share `careless` of them typed carelessly. Equal seeds give equal texts. */
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
