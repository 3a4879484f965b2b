/**
 * Check for regular expressions that may take forever. JavaScript's backtrack: (a+)+b tries every way of splitting a text without b, twice as many for every character,
 * and nothing can stop it meanwhile. A tokenizer.json contains patterns, so each is checked before use, from its end to its beginning: a
 * repetition that may stop anywhere is refused where the ways multiply with those of the rest. An accepted pattern takes at most one pass over the text from each of its characters.
 */

/** Largest count of a repetition that is written out. */
const FEW = 16;
/** Limits of one pattern: ways in which its parts other than repetitions may match, pieces and comparisons; real tokenizers need a hundredth. */
const WAYS = 10_000;
const PIECES = 10_000;
const COMPARISONS = 24;
const DEPTH = 50;

/** A piece of a pattern, `min` to `max` times. An atom takes one character; a group that takes none looks ahead or behind; one without either is an edge. */
interface Piece {
  readonly atom?: string;
  readonly alternatives?: readonly (readonly Piece[])[];
  readonly looks?: 'ahead' | 'behind';
  readonly refers?: boolean;
  readonly min: number;
  readonly max: number;
}

/** Properties of a part and everything after it. */
interface Rest {
  /** The atoms that it may begin with; '' where it may be empty. */
  readonly first: readonly string[];
  /** `true` where the rest may fail to match. */
  readonly fails: boolean;
  /** `true` where the rest has a repetition after which it may fail: trying it may take a pass over the text. */
  readonly passes: boolean;
  readonly ways: number;
}

const END: Rest = { first: [''], fails: false, passes: false, ways: 1 };
const ANY = '[^]';

/** Why a pattern may take forever, or longer than can be known; undefined if it is sound. */
export function dangerOf(pattern: RegExp): string | undefined {
  try {
    // A part of a pattern may ignore case where another does not.
    const flags = /\(\?[a-z]*i/.test(pattern.source) ? ['su', 'isu'] : ['su'];
    new Watch(flags).alternatives(new Reader(pattern.source).all(), END, false);
    return undefined;
  } catch (error) {
    if (error instanceof Danger) return error.message;
    throw error;
  }
}

class Danger extends Error {}

/** The pieces of a pattern's source, which is sound in Unicode mode: it was compiled. */
class Reader {
  #at = 0;
  #depth = 0;

  constructor(readonly source: string) {}

  all(): Piece[][] {
    if (++this.#depth > DEPTH) throw new Danger(`groups within more than ${DEPTH} groups`);
    const alternatives: Piece[][] = [[]];
    while (this.#at < this.source.length && this.source[this.#at] !== ')') {
      if (this.#take(/\|/y)) alternatives.push([]);
      else alternatives.at(-1)?.push({ ...this.#piece(), ...this.#times() });
    }
    this.#depth--;
    return alternatives;
  }

  #take(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.source);
    if (found) this.#at = pattern.lastIndex;
    return found;
  }

  #piece(): Pick<Piece, 'atom' | 'alternatives' | 'looks' | 'refers'> {
    // A group that gives nothing back, as oniguruma.ts writes it: it matches in fewer ways than its like that does.
    if (this.#take(/\(\?=(?=\(\?<_\d+>)/y)) {
      const alternatives = this.all();
      this.#take(/\)\\k<_\d+>/y);
      return { alternatives };
    }
    const group = this.#take(/\((?:\?(?:<?[=!]|<[^>]*>|[a-z-]*:))?/y);
    if (group) {
      const alternatives = this.all();
      this.#at++;
      const look = /^\(\?(<?)[=!]/.exec(group[0]);
      return look ? { alternatives, looks: look[1] ? 'behind' : 'ahead' } : { alternatives };
    }
    if (this.#take(/\^|\$|\\[bB]/y)) return { alternatives: [[]], looks: 'ahead' };
    if (this.#take(/\\(?:[1-9]\d*|k<[^>]*>)/y)) return { refers: true };
    const atom = this.#take(/\\(?:[pP]\{[^}]*\}|u\{[^}]*\}|u[\dA-Fa-f]{4}|x[\dA-Fa-f]{2}|c[A-Za-z]|.)|\[(?:\\.|[^\]\\])*\]|./suy);
    return { atom: atom?.[0] ?? ANY };
  }

  #times(): Pick<Piece, 'min' | 'max'> {
    const found = this.#take(/(?:([*+?])|\{(\d+)(,?)(\d*)\})\??/y);
    if (!found) return { min: 1, max: 1 };
    const [, sign, least, comma, most] = found;
    if (sign) return { min: Number(sign === '+'), max: sign === '?' ? 1 : Infinity };
    return { min: Number(least), max: most ? Number(most) : comma ? Infinity : Number(least) };
  }
}

/** Check of a pattern from its end to its beginning. A `strict` part stands in a repetition of more than a character: it must match a text in only one way. */
class Watch {
  #pieces = 0;
  readonly #planes: string[] = [];
  readonly #known = new Map<string, boolean>();

  /** `flags`: sets of flags with which atoms are compared. */
  constructor(readonly flags: readonly string[]) {}

  alternatives(all: readonly (readonly Piece[])[], rest: Rest, strict: boolean): Rest {
    const [first, ...others] = all.map((pieces) => pieces.reduceRight((after, piece) => this.#piece(piece, after, strict), rest)) as [Rest];
    return others.reduce((a: Rest, b: Rest) => this.#either(a, b, strict), first);
  }

  #either(a: Rest, b: Rest, strict: boolean): Rest {
    if (strict && this.#meet(a.first, b.first)) throw new Danger('a repetition of what can match in several ways');
    const ways = a.ways + b.ways;
    if (ways > WAYS) throw new Danger(`more than ${WAYS} ways to match`);
    return { first: [...new Set([...a.first, ...b.first])], fails: a.fails && b.fails, passes: a.passes || b.passes, ways };
  }

  #piece(piece: Piece, rest: Rest, strict: boolean): Rest {
    if (++this.#pieces > PIECES) throw new Danger(`more than ${PIECES} pieces`);
    const { looks, refers, min, max } = piece;
    if (looks) return this.#look(piece, rest, strict);
    if (refers) return { ...rest, first: [ANY, ...rest.first], fails: true };
    if (max > FEW) return this.#repeated(piece, rest, strict);
    let after = rest;
    for (let i = min; i < max; i++) after = this.#either(this.#once(piece, after, strict), rest, strict);
    for (let i = 0; i < min; i++) after = this.#once(piece, after, strict);
    return after;
  }

  #once({ atom, alternatives }: Piece, rest: Rest, strict: boolean): Rest {
    return alternatives ? this.alternatives(alternatives, rest, strict) : { ...rest, first: [atom as string], fails: true };
  }

  #look({ alternatives, looks }: Piece, rest: Rest, strict: boolean): Rest {
    // A look-around that has matched is not entered again.
    const { first, passes, ways } = this.alternatives(alternatives ?? [], { ...END, fails: true }, false);
    if (passes && strict) throw new Danger('a repetition of what looks ahead without end');
    // Look-behinds are matched backwards.
    if (passes && looks === 'behind') throw new Danger('a repetition that looks behind');
    const begins = looks === 'ahead' ? first.filter((atom) => atom) : [];
    return { first: [...begins, ...rest.first], fails: true, passes: passes || rest.passes, ways: ways * rest.ways };
  }

  #repeated(piece: Piece, rest: Rest, strict: boolean): Rest {
    const { min, max } = piece;
    const { first: begins, passes } = this.#once(piece, END, false);
    if (begins.includes('')) throw new Danger('a repetition of what may be empty');
    if (min < max && (strict || rest.passes) && this.#meet(begins, rest.first))
      throw new Danger('a repetition that may stop anywhere, before another');
    // The body of a repetition is followed by the body again. Where nothing after it can fail, it is never entered again.
    const again = min > 1 || rest.fails || rest.passes;
    if (piece.alternatives) this.#once(piece, { first: [...begins, ...rest.first], fails: again, passes: again, ways: 1 }, again);
    return {
      first: min ? begins : [...new Set([...begins, ...rest.first])],
      fails: min > 0 || rest.fails,
      passes: passes || rest.passes || rest.fails,
      ways: rest.ways,
    };
  }

  /** Returns `true` where a character matches an atom of each list, or where both lists may be empty. */
  #meet(some: readonly string[], others: readonly string[]): boolean {
    return some.some((a) => others.some((b) => a === b || (a !== '' && b !== '' && this.#overlap(a, b))));
  }

  #overlap(a: string, b: string): boolean {
    const key = `${a} ${b}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const found = this.#compared(a, b);
    this.#known.set(key, found);
    if (this.#known.size > COMPARISONS) throw new Danger(`more than ${COMPARISONS} comparisons of characters`);
    return found;
  }

  /** Compares two atoms on all characters: only the JavaScript engine knows the content of a class. */
  #compared(a: string, b: string): boolean {
    if (plain.test(a) && plain.test(b)) return a.toLowerCase() === b.toLowerCase();
    const both = this.flags.map((flags) => new RegExp(`(?=${a})${b}`, flags));
    for (let plane = 0; plane < 17; plane++) {
      this.#planes[plane] ??= planeOf(plane << 16);
      if (both.some((pattern) => pattern.test(this.#planes[plane] as string))) return true;
    }
    return false;
  }
}

const plain = /^[\w '"<>#@&,;:%~`=!]$/;

/** 65,536 characters, but for surrogates. */
function planeOf(begin: number): string {
  let text = '';
  for (let i = begin; i < begin + (1 << 16); i += 1 << 11)
    if (i !== 0xd800) text += String.fromCodePoint(...Array.from({ length: 1 << 11 }, (_, j) => i + j));
  return text;
}
