/**
 * Features of Oniguruma's regular expressions that the translation of @huggingface/tokenizers loses, rewritten into ones that it
 * keeps: atomic groups, possessive repetitions, letters of either case, comments, line ends. Features that JavaScript cannot
 * express are refused by name. pattern.ts knows how an atomic group is written here.
 */

/** Thrown for features that Oniguruma has and JavaScript lacks. */
export class Untranslatable extends Error {}

const LINE_END = '\\r\\n|[\\n-\\r\\x{85}\\x{2028}\\x{2029}]';
const escapes: Readonly<Record<string, string>> = { '\\N': '[^\\n]', '\\O': '[\\s\\S]' };
const foreign = /^\\[XKGyYg]/;
const opening = /\(\?(?:[:=!>]|<[=!]|<[A-Za-z_]\w*>|i:)|\((?!\?)/y;
const piece = /\\(?:[pPxu]\{[^}]*\}|.)|\{\d+,?\d*\}|\{,\d+\}|./suy;
const repetition = /^(?:[*+?]|\{.+\})$/s;
const ofOneCase = /\\[pP]\{\^?(?:L[ult&]|Upper|Lower|Title|Cased)/i;
/** Beyond ASCII, but small letters of its own. */
const ALIENS: Readonly<Record<string, string>> = { s: '\u017f', k: '\u212a' };

interface Group {
  readonly begin: number;
  readonly opening: string;
  readonly folds: boolean;
  /** Parentheses that options amid the group have opened. */
  more: number;
}

/** Rewrites a pattern for the library's translation. Throws Untranslatable, or SyntaxError for an invalid pattern. */
export const prepare = (source: string): string => new Writer(source).all();

class Writer {
  #out = '';
  #at = 0;
  /** Begin of the last atom, and whether a repetition follows it, which a plus would make possessive. */
  #atom = 0;
  #repeated: '' | 'by a sign' | 'by counts' = '';
  #locks = 0;
  #refers = false;
  /** The pattern as a whole is the first. */
  readonly #groups: Group[] = [{ begin: 0, opening: '', folds: false, more: 0 }];
  #folds = false;

  constructor(readonly source: string) {}

  all(): string {
    while (this.#at < this.source.length) {
      if (this.source[this.#at] === '(') this.#open();
      else if (this.source[this.#at] === '[') this.#class();
      else this.#piece(this.#take(piece) as string);
    }
    if (this.#groups.length > 1) throw new SyntaxError('it opens a group that does not close');
    if (this.#refers && this.#locks) throw new Untranslatable('references by number beside what gives nothing back');
    return this.#out + ')'.repeat(this.#group.more);
  }

  get #group(): Group {
    return this.#groups.at(-1) as Group;
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.source)?.[0];
    this.#at += found?.length ?? 0;
    return found;
  }

  #put(text: string): void {
    this.#atom = this.#out.length;
    this.#out += text;
    this.#repeated = '';
  }

  /** Makes the last atom atomic: a look-ahead is not entered again once it has matched. */
  #lock(): void {
    if (this.#groups.some((group) => /<[=!]/.test(group.opening))) throw new Untranslatable('what gives nothing back in what looks behind');
    const name = `_${++this.#locks}`;
    const locked = this.#out.slice(this.#atom);
    this.#out = `${this.#out.slice(0, this.#atom)}(?:(?=(?<${name}>${locked}))\\k<${name}>)`;
  }

  #open(): void {
    if (this.#take(/\(\?#[^)]*\)/y)) return;
    if (this.#take(/\(\?i\)/y)) {
      this.#out += '(?i:';
      this.#group.more++;
      this.#folds = true;
      return;
    }
    const group = this.#take(opening);
    if (!group) throw new Untranslatable(`the group ${this.source.slice(this.#at, this.#at + 4)}`);
    this.#groups.push({ begin: this.#out.length, opening: group, folds: this.#folds, more: 0 });
    this.#put(group === '(?>' ? '(?:' : group);
    this.#folds ||= group === '(?i:';
  }

  #close(): void {
    const { begin, opening, folds, more } = this.#groups.pop() as Group;
    if (!this.#groups.length) throw new SyntaxError('it closes a group that is not open');
    this.#out += ')'.repeat(more + 1);
    this.#atom = begin;
    this.#repeated = '';
    this.#folds = folds;
    if (opening === '(?>') this.#lock();
  }

  #piece(text: string): void {
    if (text === ')') this.#close();
    else if (text === '+' && this.#repeated === 'by a sign') this.#lock();
    else if (repetition.test(text)) {
      this.#repeated = this.#repeated ? '' : text.length > 1 ? 'by counts' : 'by a sign';
      this.#out += text;
    } else if (text === '\\R') {
      this.#put(`(?:${LINE_END})`);
      this.#lock();
    } else if (text.startsWith('\\')) this.#escape(text);
    else this.#put(this.#folds ? eitherCase(text) : text);
  }

  #escape(text: string): void {
    if (foreign.test(text)) throw new Untranslatable(text);
    if (this.#folds && ofOneCase.test(text)) throw new Untranslatable(`${text} for either case`);
    this.#refers ||= /^\\[1-9]/.test(text);
    this.#put(escapes[text] ?? text.replace(/^\\([pP])\{\^/, (_, kind) => `\\${kind === 'p' ? 'P' : 'p'}{`));
  }

  #class(): void {
    const begin = this.#at;
    this.#at = endOfClass(this.source, begin);
    const text = this.source.slice(begin, this.#at);
    this.#put(this.#folds ? classOfEitherCase(text) : text);
  }
}

/** A letter of either case, where ASCII's two are not all. */
function eitherCase(letter: string): string {
  const forms = new Set([letter, letter.toLowerCase(), letter.toUpperCase(), ALIENS[letter.toLowerCase()] ?? letter]);
  const plain = [...forms].every((form) => form <= '\x7f');
  return plain ? letter : `[${[...forms].filter((form) => [...form].length === 1).join('')}]`;
}

function classOfEitherCase(text: string): string {
  let own: RegExp | undefined;
  try {
    own = new RegExp(text, 'iu');
  } catch {}
  if (!own || ofOneCase.test(text) || /[^\0-\x7f]/.test(text)) throw new Untranslatable(`the class ${text} for either case`);
  const negated = text.startsWith('[^');
  const more = Object.values(ALIENS).filter((letter) => own.test(letter) !== negated);
  return `${text.slice(0, -1)}${more.join('')}]`;
}

/** Index behind the bracket that closes a class, which may contain classes. */
function endOfClass(source: string, begin: number): number {
  let depth = 0;
  for (let at = begin; at < source.length; at++) {
    if (source[at] === '\\') at++;
    else if (source[at] === '[') {
      depth++;
      at += /^\^?\]?/.exec(source.slice(at + 1, at + 3))?.[0].length ?? 0;
    } else if (source[at] === ']' && --depth === 0) return at + 1;
  }
  throw new SyntaxError('it opens a class that does not close');
}
