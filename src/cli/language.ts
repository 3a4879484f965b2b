/** The language of a text, as far as its script and its most frequent words show it: enough to warn that a translation is not the wanted one. */

interface Language {
  readonly name: string;
  /** Letters of the script. */
  readonly script: RegExp;
  /** Frequent words that other languages of the same script lack, English above all. */
  readonly words?: ReadonlySet<string>;
}

const latin = /\p{Script=Latin}+(?:['\u2019]\p{Script=Latin}+)*/gu;
const words = (list: string) => new Set(list.split(' '));

/** Languages by ISO 639's codes. */
export const languages: Readonly<Record<string, Language>> = {
  zh: { name: 'Chinese', script: /\p{Script=Han}/gu },
  ja: { name: 'Japanese', script: /[\p{Script=Hiragana}\p{Script=Katakana}]/gu },
  ko: { name: 'Korean', script: /\p{Script=Hangul}+/gu },
  ru: { name: 'Russian', script: /\p{Script=Cyrillic}+/gu },
  ar: { name: 'Arabic', script: /\p{Script=Arabic}+/gu },
  el: { name: 'Greek', script: /\p{Script=Greek}+/gu },
  he: { name: 'Hebrew', script: /\p{Script=Hebrew}+/gu },
  hi: { name: 'Hindi', script: /\p{Script=Devanagari}+/gu },
  th: { name: 'Thai', script: /\p{Script=Thai}/gu },
  en: {
    name: 'English',
    script: latin,
    words: words(
      "the of and to in is you that it he was for on are as with his they i this have from or had by not but what all were we when your can said there an which she do how their if will about my me who would him them is's it's don't i'm where why hello please thank good very like her our has been be at",
    ),
  },
  fr: {
    name: 'French',
    script: latin,
    words: words(
      "le la les des du une est et je tu il elle nous vous ils dans pour pas qui avec sur ce cette mais ou où sont suis bonjour merci très c'est j'ai au aux",
    ),
  },
  de: {
    name: 'German',
    script: latin,
    words: words(
      'der die das und ist nicht ich du er sie wir ihr ein eine einen dem den zu mit auf für von auch wie aber sind bin habe hat guten danke sehr im',
    ),
  },
  es: {
    name: 'Spanish',
    script: latin,
    words: words(
      'el los las una es y yo tú ella nosotros en por para con que pero muy está estoy son como más hola gracias del al se su mi',
    ),
  },
  it: {
    name: 'Italian',
    script: latin,
    words: words(
      'il lo gli una è e io tu lui lei noi di che non per con sono sei ma molto come più questo questa ciao grazie della del nel',
    ),
  },
  pt: {
    name: 'Portuguese',
    script: latin,
    words: words('os uma é e eu ela nós você em não que com para por mais muito está são mas olá obrigado obrigada da do dos das na no'),
  },
  nl: {
    name: 'Dutch',
    script: latin,
    words: words('het een en ik jij hij zij wij niet van op met voor ook maar zijn heb heeft deze dat dit goed dank veel naar'),
  },
};

/** Characters that are looked at. */
const LOOKED_AT = 10_000;
/** The share of a text's words that must be in one script. */
const MOST = 0.7;

/**
 * The code of a text's language; undefined where that cannot be told. `known` are the languages that it most likely is in: of a script that one of them is
 * written in, others must have more of their words in the text.
 */
export function languageOf(whole: string, known: readonly string[]): string | undefined {
  const text = whole.slice(0, LOOKED_AT);
  const counts = new Map<RegExp, number>();
  for (const { script } of Object.values(languages)) counts.set(script, text.match(script)?.length ?? 0);
  const count = (code: string) => counts.get((languages[code] as Language).script) as number;
  // Japanese is written in Chinese characters too; without any of its own it is Chinese.
  if (count('ja') > 0.1 * count('zh'))
    counts.set((languages.ja as Language).script, count('ja') + count('zh')).set((languages.zh as Language).script, 0);
  const total = [...counts.values()].reduce((sum, n) => sum + n, 0);
  const [script] = [...counts].find(([, n]) => n > MOST * total) ?? [];
  const all = Object.keys(languages).filter((code) => languages[code]?.script === script);
  if (all.length < 2) return all[0];
  const found = text.toLowerCase().replaceAll('\u2019', "'").match(latin) ?? [];
  const hits = (code: string) => found.filter((word) => languages[code]?.words?.has(word)).length;
  const own = known.filter((code) => all.includes(code));
  const best = (codes: readonly string[]) => codes.reduce((a, b) => (hits(b) > hits(a) ? b : a));
  const [first, other] = [own.length ? best(own) : undefined, best(all)];
  // A single word may be a name.
  const isOther = hits(other) > Math.max(1, 0.15 * found.length) && (first === undefined || hits(other) > hits(first));
  return isOther ? other : own.length === 1 || (first !== undefined && hits(first) > 0) ? first : undefined;
}
