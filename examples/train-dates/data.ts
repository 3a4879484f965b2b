/**
 * Dates as people write them, in ten languages, and what they mean: examples that this runtime's Intl makes. Its words depend on its version of CLDR ("Sep" in
 * one, "Sept" in another), so runs in different runtimes are alike, not the same.
 */
import { Random } from 'heed/train';

export const languages = ['en-US', 'en-GB', 'de', 'fr', 'es', 'it', 'ru', 'zh', 'ja', 'ko'] as const;

const styles: readonly Intl.DateTimeFormatOptions[] = [
  ...(['full', 'long', 'medium', 'short'] as const).map((dateStyle) => ({ dateStyle })),
  ...(['long', 'short'] as const).map((weekday) => ({ weekday, day: 'numeric', month: 'short', year: 'numeric' }) as const),
];

const plain = { timeZone: 'UTC', calendar: 'gregory', numberingSystem: 'latn' } as const;
const forms = languages.flatMap((language) =>
  styles.map((style) => ({ language, format: new Intl.DateTimeFormat(language, { ...style, ...plain }) })),
);

/** A year of two figures may be of this century or of the last, and 3/4/2021 is in March or in April, depending on who writes. */
const ambiguous = (text: string): boolean => !/\d{4}/.test(text) || /^\d+\/\d+\//.test(text);

/** One spelling for what looks alike: small letters, plain spaces and figures. */
export const normalize = (text: string): string => text.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ').trim();

/** Days are counted from 1970 on. */
const MILLISECONDS = 86_400_000;
const [FIRST, LAST] = [Date.UTC(1900, 0, 1), Date.UTC(2100, 11, 31)].map((time) => time / MILLISECONDS) as [number, number];

export const isoOf = (day: number): string => new Date(day * MILLISECONDS).toISOString().slice(0, 10);

/** A tenth of all days, by a hash of the day: training sees them in no language. */
export const isHeldBack = (day: number): boolean => new Random('held back', day).below(10) === 0;

/** What somebody may write, the ISO date that it means, and the language. */
export type Pair = readonly [text: string, iso: string, language: string];

/** A day in one of all forms that are not ambiguous. */
export function write(day: number, random: Random): Pair {
  const { language, format } = forms[random.below(forms.length)] as (typeof forms)[number];
  const text = normalize(format.format(day * MILLISECONDS));
  return ambiguous(text) ? write(day, random) : [text, isoOf(day), language];
}

/** Two texts for each day from 1900 to 2100 that is for training, and one for each of the others, in random order. */
export function makePairs(seed: number): { seen: Pair[]; unseen: Pair[] } {
  const random = new Random('dates', seed);
  const days = random.shuffle(Array.from({ length: LAST - FIRST + 1 }, (_, i) => FIRST + i));
  const held = new Set(days.filter(isHeldBack));
  const seen = days.filter((day) => !held.has(day));
  return {
    seen: [...seen, ...seen].map((day) => write(day, random)),
    unseen: [...held].map((day) => write(day, random)),
  };
}
