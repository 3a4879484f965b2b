/**
 * JSON as expressions: white space, strings, objects, arrays, given values, and any value. White space may stand where people and models put it: one space behind
 * a colon, and behind a comma or beside a bracket one space, or a line break and up to sixteen spaces; nowhere else, so that a model cannot write blanks for ever.
 */
import { anyInJson, everyCharacter, inJson } from './characters.js';
import type { Expression, Expressions, Rule } from './expression.js';
import { anyNumber } from './numbers.js';

const INDENT = 16;

/** A member of an object. */
export interface Member {
  readonly name: string;
  readonly value: Expression;
  readonly required: boolean;
}

/** Makes the parts of JSON. */
export class Json {
  readonly #gap: Expression;
  readonly #comma: Expression;
  readonly #colon: Expression;
  readonly #quote: Expression;
  /** A character of a string, escaped or not. */
  readonly character: Expression;
  /** Character of a string as JSON.stringify writes it. */
  readonly written: Expression;
  #any: Rule | undefined;

  /** JSON with white space, or without any. */
  static of = (make: Expressions, whitespace: boolean): Json => make.once(`json ${whitespace}`, () => new Json(make, whitespace));

  private constructor(
    readonly make: Expressions,
    whitespace: boolean,
  ) {
    const space = make.text(' ');
    const line = make.sequence(make.text('\n'), make.repeat(space, 0, INDENT));
    this.#gap = whitespace ? make.optional(make.choice(space, line)) : make.empty;
    this.#comma = make.sequence(make.text(','), this.#gap);
    this.#colon = make.sequence(make.text(':'), whitespace ? make.optional(space) : make.empty);
    this.#quote = make.text('"');
    this.character = anyInJson(make);
    this.written = inJson(make, everyCharacter);
  }

  /** A string with this inside. */
  quoted = (inside: Expression): Expression => this.make.word(this.make.sequence(this.#quote, inside, this.#quote));

  /** A string of `min` to `max` characters. */
  string = (min = 0, max = Number.POSITIVE_INFINITY): Expression => this.quoted(this.make.repeat(this.character, min, max));

  #bracketed(open: string, inside: Expression, close: string): Expression {
    return this.make.sequence(this.make.text(open), this.#gap, inside, this.#gap, this.make.text(close));
  }

  /** Members in their order, of which some may be left out, then others of any name with `additional` as their values, in an order of their own. */
  object(members: readonly Member[], additional: Expression): Expression {
    const { make } = this;
    const names = members.map(({ name }) => make.text(JSON.stringify(name).slice(1, -1)));
    const key = this.quoted(
      names.length ? make.all(make.repeat(this.written, 0), make.not(make.choice(...names))) : make.repeat(this.written, 0),
    );
    const other = make.sequence(key, this.#colon, additional);
    let more = make.repeat(make.sequence(this.#comma, other), 0);
    let first = make.sequence(other, more);
    let mayBeEmpty = true;
    for (const { name, value, required } of [...members].reverse()) {
      const member = make.sequence(make.text(JSON.stringify(name)), this.#colon, value);
      const here = make.sequence(member, more);
      first = required ? here : make.choice(here, first);
      more = make.choice(make.sequence(this.#comma, here), required ? make.nothing : more);
      mayBeEmpty &&= !required;
    }
    return make.choice(this.#bracketed('{', first, '}'), mayBeEmpty ? make.text('{}') : make.nothing);
  }

  /** The first items each of its own kind, then others; from `min` to `max` in all. */
  array(first: readonly Expression[], others: Expression, min: number, max: number): Expression {
    const { make } = this;
    if (max < min) return make.nothing;
    const heads = first.slice(0, max);
    let rest = make.repeat(make.sequence(this.#comma, others), Math.max(0, min - heads.length), max - heads.length);
    for (let i = heads.length - 1; i > 0; i--) {
      const here = make.sequence(this.#comma, heads[i] as Expression, rest);
      rest = i >= min ? make.optional(here) : here;
    }
    const [head] = heads;
    const items = head
      ? make.sequence(head, rest)
      : make.sequence(others, make.repeat(make.sequence(this.#comma, others), Math.max(0, min - 1), max - 1));
    return make.choice(max > 0 ? this.#bracketed('[', items, ']') : make.nothing, min === 0 ? make.text('[]') : make.nothing);
  }

  /** Any value. */
  any(): Expression {
    const { make } = this;
    if (!this.#any) {
      this.#any = make.rule('any value');
      const scalars = [this.string(), anyNumber(make), ...['true', 'false', 'null'].map(make.text)];
      this.#any.body = make.choice(...scalars, this.anyArray(), this.anyObject());
    }
    return make.of(this.#any);
  }

  anyArray = (): Expression => this.array([], this.any(), 0, Number.POSITIVE_INFINITY);
  anyObject = (): Expression => this.object([], this.any());
}

/** Choice of texts; texts with equal beginnings share them. */
export function oneOf(make: Expressions, texts: Iterable<string>): Expression {
  const encoder = new TextEncoder();
  const sorted = [...new Set(texts)].map((text) => encoder.encode(text)).sort(byBytes);
  const from = (first: number, last: number, at: number): Expression => {
    make.spend(1);
    const [low, high] = [sorted[first] as Uint8Array, sorted[last] as Uint8Array];
    // In sorted order, the common beginning of the first and the last text is that of all.
    let end = at;
    while (end < low.length && low[end] === high[end]) end++;
    const common = make.literal(low.subarray(at, end));
    if (first === last) return common;
    const parts: Expression[] = [];
    let begin = first;
    if (low.length === end) {
      parts.push(make.empty);
      begin++;
    }
    while (begin <= last) {
      const byte = (sorted[begin] as Uint8Array)[end];
      let next = begin;
      while (next < last && (sorted[next + 1] as Uint8Array)[end] === byte) next++;
      parts.push(from(begin, next, end));
      begin = next + 1;
    }
    return make.sequence(common, make.choice(...parts));
  };
  return sorted.length ? from(0, sorted.length - 1, 0) : make.nothing;
}

function byBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return (a[i] as number) - (b[i] as number);
  return a.length - b.length;
}
