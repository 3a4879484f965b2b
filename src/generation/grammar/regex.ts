/**
 * Regular expressions in JavaScript's syntax of Unicode mode, as expressions over bytes. Features of backtracking matchers, back-references and look-around,
 * are refused by name. Lazy repetitions match the same texts as greedy ones.
 */
import { HeedError } from '../../errors.js';
import { type Characters, charactersOf, joined, utf8, without } from './characters.js';
import type { Expression, Expressions } from './expression.js';

/** Spelling of characters: in UTF-8, or within a JSON string. */
export type Spelling = (make: Expressions, set: Characters) => Expression;

const LONGEST = 10_000;
const DEPTH = 100;
const MOST_REPEATS = 100_000;

/** Character classes by their letter; a capital letter stands for the complement. The dot matches no line end. */
const classes: Readonly<Record<string, Characters>> = {
  d: [[0x30, 0x39]],
  w: [
    [0x30, 0x39],
    [0x41, 0x5a],
    [0x5f, 0x5f],
    [0x61, 0x7a],
  ],
  s: [
    ...([
      [9, 13],
      [0x20, 0x20],
      [0xa0, 0xa0],
      [0x1680, 0x1680],
      [0x2000, 0x200a],
      [0x2028, 0x2029],
      [0x202f, 0x202f],
    ] as const),
    ...([
      [0x205f, 0x205f],
      [0x3000, 0x3000],
      [0xfeff, 0xfeff],
    ] as const),
  ],
};
const endsOfLines: Characters = [
  [0xa, 0xa],
  [0xd, 0xd],
  [0x2028, 0x2029],
];

/** Unicode's properties, as the runtime knows them. Testing one takes time, which is counted as work. */
const properties = new Map<string, Characters>();
const PROPERTY_WORK = 20_000;

/**
 * Texts that match, by where they must lie: [0] anywhere, [1] at the beginning, [2] at the end, [3] both. An anchor is the empty text that must lie somewhere, so
 * that ^ and $ may stand wherever they can be met.
 */
type Anchored = readonly [Expression, Expression, Expression, Expression];
const [BEGIN, END] = [1, 2];

/** Expression of the texts that a regular expression matches as a whole. Throws UNSUPPORTED for syntax without an equivalent, ARGUMENT for an invalid regular expression. */
export function regexIn(make: Expressions, source: string, where: string, spelling: Spelling = utf8): Expression {
  return make.choice(...new Reader(make, source, where, spelling).all());
}

/** Expression of the texts of which a regular expression matches a part, like JSON Schema's `pattern`. */
export function regexWithin(make: Expressions, source: string, where: string, spelling: Spelling): Expression {
  const [anywhere, atBegin, atEnd, whole] = new Reader(make, source, where, spelling).all();
  const any = make.repeat(spelling(make, without([])), 0);
  return make.choice(make.sequence(any, anywhere, any), make.sequence(atBegin, any), make.sequence(any, atEnd), whole);
}

const ESCAPES: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13, 0: 0 };

class Reader {
  #at = 0;
  #depth = 0;
  /** Expressions of character classes that occur more than once. */
  readonly #spellings = new Map<Characters, Expression>();

  constructor(
    readonly make: Expressions,
    readonly source: string,
    readonly where: string,
    readonly spelling: Spelling,
  ) {}

  all(): Anchored {
    if (typeof this.source !== 'string') throw this.#wrong('is no text', 'Give the source of a regular expression');
    if (this.source.length > LONGEST) throw this.#wrong(`has ${this.source.length} characters`, `It may have ${LONGEST}`);
    const found = this.#alternatives();
    if (this.#at < this.source.length) throw this.#wrong('has ) without (');
    return found;
  }

  #wrong(what: string, cure = 'Give a regular expression as JavaScript writes it, with the flag u'): HeedError {
    return new HeedError('ARGUMENT', `${this.where}: the regular expression ${what}, at character ${this.#at}`, {
      culprit: this.where,
      cure,
    });
  }

  #unsupported(what: string): HeedError {
    return new HeedError('UNSUPPORTED', `${this.where}: heed has no ${what} in regular expressions, at character ${this.#at}`, {
      culprit: this.where,
      cure: 'Write it with classes, groups, alternatives, repetitions and anchors',
    });
  }

  #take(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.source);
    if (found) this.#at = pattern.lastIndex;
    return found;
  }

  #free = (anywhere: Expression): Anchored => [anywhere, this.make.nothing, this.make.nothing, this.make.nothing];

  #alternatives(): Anchored {
    if (++this.#depth > DEPTH) throw this.#wrong(`has groups within more than ${DEPTH} groups`, 'Write it flatter');
    const all = [this.#sequence()];
    while (this.#take(/\|/y)) all.push(this.#sequence());
    this.#depth--;
    return [0, 1, 2, 3].map((i) => this.make.choice(...all.map((one) => one[i] as Expression))) as unknown as Anchored;
  }

  #sequence(): Anchored {
    const parts: Anchored[] = [];
    while (this.#at < this.source.length && !/[|)]/.test(this.source[this.#at] as string)) parts.push(this.#piece());
    return parts.reduceRight((rest, part) => this.#then(part, rest), this.#free(this.make.empty));
  }

  /** Concatenation: nothing comes before a part that must lie at the beginning, and nothing behind a part that must lie at the end. */
  #then(first: Anchored, rest: Anchored): Anchored {
    const { make } = this;
    const found: Expression[] = [make.nothing, make.nothing, make.nothing, make.nothing];
    const onlyEmpty = (part: Expression) => (part.nullable ? make.empty : make.nothing);
    for (const [i, a] of first.entries())
      for (const [j, b] of rest.entries()) {
        if (a === make.nothing || b === make.nothing) continue;
        const both = make.sequence(j & BEGIN ? onlyEmpty(a) : a, i & END ? onlyEmpty(b) : b);
        found[i | j] = make.choice(found[i | j] as Expression, both);
      }
    return found as unknown as Anchored;
  }

  #piece(): Anchored {
    const { make } = this;
    const atom = this.#anchor() ?? this.#group() ?? this.#free(this.#character());
    const found = this.#take(/(?:([*+?])|\{(\d+)(,?)(\d*)\})\??/y);
    if (!found) return atom;
    if (atom.some((part, i) => i > 0 && part !== make.nothing)) throw this.#unsupported('repeated anchors');
    const [, sign, least, comma, most] = found;
    const min = sign ? Number(sign === '+') : Number(least);
    const max = sign ? (sign === '?' ? 1 : Number.POSITIVE_INFINITY) : most ? Number(most) : comma ? Number.POSITIVE_INFINITY : min;
    if (min > max) throw this.#wrong(`repeats something from ${min} to ${max} times`);
    if (Math.max(min, max < Number.POSITIVE_INFINITY ? max : 0) > MOST_REPEATS)
      throw this.#wrong('repeats something too often', `The largest bound is ${MOST_REPEATS}`);
    return this.#free(make.repeat(atom[0], min, max));
  }

  #anchor(): Anchored | undefined {
    const { empty, nothing } = this.make;
    const found = this.#take(/[$^]/y);
    if (!found) return undefined;
    return found[0] === '^' ? [nothing, empty, nothing, nothing] : [nothing, nothing, empty, nothing];
  }

  #group(): Anchored | undefined {
    if (this.#take(/\(\?<?[=!]/y)) throw this.#unsupported('looking ahead or behind, (?= (?! (?<= (?<!');
    if (this.#take(/\(\?[a-z-]+[:)]/y)) throw this.#unsupported('flags of a group, (?i:');
    if (!this.#take(/\((?:\?:|\?<[\p{L}_$][\p{L}\p{N}_$]*>)?/uy)) return undefined;
    const found = this.#alternatives();
    if (!this.#take(/\)/y)) throw this.#wrong('has ( without )');
    return found;
  }

  /** Parses one character, or a class of characters. */
  #character(): Expression {
    if (this.#take(/\./y)) return this.#spelt(without(endsOfLines));
    if (this.#take(/\[/y)) return this.#spelt(this.#set());
    if (this.#take(/\\[1-9]/y) || this.#take(/\\k</y)) throw this.#unsupported('references to groups, \\1 \\k<name>');
    if (this.#take(/\\[bB]/y)) throw this.#unsupported('edges of words, \\b \\B');
    const escaped = this.#escape();
    if (escaped) return this.#spelt(escaped);
    const plain = this.#take(/[^*+?{}()[\]\\|]/uy) ?? this.#take(/[{}\]](?!\d+,?\d*\})/y);
    if (!plain)
      throw this.#wrong(`has ${JSON.stringify(this.source.slice(this.#at, this.#at + 1) || 'an end')} where a character should be`);
    return this.#spelt(this.#one(plain[0].codePointAt(0) as number));
  }

  #spelt(set: Characters): Expression {
    const known = this.#spellings.get(set);
    if (known) return known;
    const made = this.spelling(this.make, set);
    this.#spellings.set(set, made);
    return made;
  }

  #one(code: number): Characters {
    if (code >= 0xd800 && code <= 0xdfff) throw this.#wrong('has half a surrogate pair');
    return [[code, code]];
  }

  #property(name: string): Characters {
    const known = properties.get(name);
    if (known) return known;
    this.make.spend(PROPERTY_WORK);
    let found: Characters;
    try {
      found = charactersOf(new RegExp(`^\\p{${name}}$`, 'u'));
    } catch {
      throw this.#wrong(`has the property ${name}, which JavaScript does not know`);
    }
    if (properties.size >= 64) properties.clear();
    properties.set(name, found);
    return found;
  }

  #escape(): Characters | undefined {
    if (this.source[this.#at] !== '\\') return undefined;
    const known = this.#take(/\\(?:([dws])|[pP]\{([\w=]{1,60})\})/iy);
    if (known) {
      const [text, letter, property] = known;
      const set = letter ? (classes[letter.toLowerCase()] as Characters) : this.#property(property as string);
      return /[A-Z]/.test(text[1] as string) ? without(set) : set;
    }
    const code = this.#take(
      /\\(?:u\{([\dA-Fa-f]{1,6})\}|u([Dd][89ABab][\dA-Fa-f]{2})\\u([Dd][C-Fc-f][\dA-Fa-f]{2})|u([\dA-Fa-f]{4})|x([\dA-Fa-f]{2}))/y,
    );
    if (code) {
      const [, long, high, low, short, byte] = code;
      const number = Number.parseInt(long ?? short ?? byte ?? '0', 16);
      if (number > 0x10ffff) throw this.#wrong('has a character beyond U+10FFFF');
      return this.#one(high && low ? ((Number.parseInt(high, 16) & 0x3ff) << 10) + (Number.parseInt(low, 16) & 0x3ff) + 0x10000 : number);
    }
    const control = this.#take(/\\c([A-Za-z])/y)?.[1];
    if (control) return this.#one(control.charCodeAt(0) & 31);
    const named = this.#take(/\\(?:([tnvfr])|(0)(?!\d))/y);
    if (named) return this.#one(ESCAPES[named[1] ?? '0'] as number);
    const itself = this.#take(/\\([^\p{L}\p{N}\s])/uy)?.[1];
    if (itself) return this.#one(itself.codePointAt(0) as number);
    throw this.#wrong(`has ${JSON.stringify(this.source.slice(this.#at, this.#at + 2))}, which stands for nothing`);
  }

  /** Parses a class behind [, up to its end. */
  #set(): Characters {
    const isNot = this.#take(/\^/y) !== null;
    const found: Characters[] = [];
    while (!this.#take(/\]/y)) {
      if (this.#at >= this.source.length) throw this.#wrong('has [ without ]');
      const first = this.#member();
      const from = first[0]?.[0];
      if (!this.#take(/-(?!\])/y)) found.push(first);
      else {
        const last = this.#member();
        const to = last[0]?.[0];
        const single = [first, last].every((set) => set.length === 1 && set[0]?.[0] === set[0]?.[1]);
        if (!single || from === undefined || to === undefined || to < from) throw this.#wrong('has a range that does not go up');
        found.push([[from, to]]);
      }
    }
    const all = joined(...found);
    return isNot ? without(all) : without(without(all));
  }

  #member(): Characters {
    if (this.#take(/\\b/y)) return this.#one(8);
    const escaped = this.#escape();
    if (escaped) return escaped;
    const plain = this.#take(/[^\]\\]/uy);
    if (!plain) throw this.#wrong('has [ without ]');
    return this.#one(plain[0].codePointAt(0) as number);
  }
}
