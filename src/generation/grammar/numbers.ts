/**
 * Numbers as JSON writes them, within bounds. A bound is compared digit by digit, so that it becomes an expression: as many digits as it has, and for each the texts that may
 * follow a larger, an equal and a smaller digit.
 */
import { bytesOf } from './byte_set.js';
import type { Expression, Expressions } from './expression.js';

/** A bound, and whether the number itself is outside. */
export interface Bound {
  readonly value: number;
  readonly exclusive: boolean;
}

export interface Bounds {
  readonly least?: Bound | undefined;
  readonly most?: Bound | undefined;
}

/** Digits that every double holds exactly: numbers of so many differ, if they differ as texts. */
const EXACT = 15;
/** Digits that JSON.stringify writes, before and behind the point. */
const [WHOLE, FRACTION, INTEGER] = [21, 24, 16];

class Digits {
  readonly any: Expression;
  readonly some: Expression;

  constructor(readonly make: Expressions) {
    this.any = make.repeat(this.from(0, 9), 0);
    this.some = make.repeat(this.from(0, 9), 1);
  }

  /** Expression of one digit from `first` to `last`. */
  from = (first: number, last: number): Expression => this.make.bytes(bytesOf([0x30 + first, 0x30 + last]));
  point = (part: Expression): Expression => this.make.sequence(this.make.text('.'), part);
  times = (min: number, max: number): Expression => this.make.repeat(this.from(0, 9), min, max);

  /** Whole numbers of `least` to `most` digits. */
  whole(least: number, most: number): Expression {
    const longer = this.make.sequence(this.from(1, 9), this.times(Math.max(least, 1) - 1, most - 1));
    return least <= 1 ? this.make.choice(this.from(0, 0), longer) : longer;
  }

  /** Digits as many as those of `bound`: larger (`side` 1) or smaller (−1) ones and then `others`, or equal ones and then `same`. No number but 0 itself begins with 0. */
  compared(bound: string, side: 1 | -1, others: Expression, same: Expression, begins = bound.length > 1): Expression {
    const { make } = this;
    let rest = same;
    for (let i = bound.length - 1; i >= 0; i--) {
      const digit = Number(bound[i]);
      const [first, last] = side > 0 ? [digit + 1, 9] : [begins && i === 0 ? 1 : 0, digit - 1];
      const left = bound.length - 1 - i;
      const apart = first <= last ? make.sequence(this.from(first, last), this.times(left, left), others) : make.nothing;
      rest = make.choice(apart, make.sequence(this.from(digit, digit), rest));
    }
    return rest;
  }
}

/** Whole numbers without an exponent. */
export function integerIn(make: Expressions, { least, most }: Bounds): Expression {
  const digits = new Digits(make);
  const limit = 10n ** BigInt(INTEGER) - 1n;
  // Bounds are doubles, and whole numbers beyond the limit have too many digits in any case.
  const whole = (value: number, up: boolean, without: boolean | undefined, by: bigint): bigint => {
    const near = up ? Math.ceil(value) : Math.floor(value);
    return BigInt(near) + (without && near === value ? by : 0n);
  };
  const from = least ? whole(least.value, true, least.exclusive, 1n) : -limit;
  const to = most ? whole(most.value, false, most.exclusive, -1n) : limit;
  /** Integers from a to b, neither below 0. */
  const between = (a: bigint, b: bigint): Expression => {
    const [low, high] = [a < 0n ? 0n : a, b > limit ? limit : b];
    if (low > high) return make.nothing;
    const [least, most] = [String(low), String(high)];
    const larger = digits.compared(least, 1, make.empty, make.empty);
    const smaller = digits.compared(most, -1, make.empty, make.empty);
    const ofLength = (length: number) => {
      const [from, to] = [length === least.length, length === most.length];
      if (from && to) return make.all(larger, smaller);
      return from ? larger : to ? smaller : digits.whole(length, length);
    };
    return make.choice(...Array.from({ length: most.length - least.length + 1 }, (_, i) => ofLength(least.length + i)));
  };
  return make.word(make.choice(between(from, to), make.sequence(make.text('-'), between(to < -1n ? -to : 1n, -from))));
}

/** Any number whose magnitude fits a double: up to 1e308. */
export function anyNumber(make: Expressions): Expression {
  const digits = new Digits(make);
  const { sequence, text, optional } = { sequence: make.sequence.bind(make), text: make.text, optional: make.optional };
  const fraction = optional(digits.point(digits.times(1, FRACTION)));
  const exponent = make.choice(
    digits.times(1, 2),
    sequence(make.choice(text('1'), text('2')), digits.times(2, 2)),
    sequence(text('30'), digits.from(0, 7)),
  );
  const scaled = sequence(
    digits.from(0, 9),
    fraction,
    make.bytes(bytesOf([0x45, 0x45], [0x65, 0x65])),
    sequence(optional(sign(make)), exponent),
  );
  return make.word(sequence(optional(text('-')), make.choice(sequence(digits.whole(1, WHOLE), fraction), scaled)));
}

const sign = (make: Expressions) => make.bytes(bytesOf([0x2b, 0x2b], [0x2d, 0x2d]));

/** A bound's digits before and behind the point, without its sign; undefined where it has more than can be compared. */
export function partsOf(value: number): readonly [whole: string, fraction: string] | undefined {
  const [, whole, fraction = ''] = /^-?(\d+)(?:\.(\d+))?$/.exec(String(value)) ?? [];
  return whole === undefined || whole.length + fraction.length > EXACT ? undefined : [whole, fraction];
}

/** Numbers without an exponent, of up to fifteen digits. Bounds must have parts. */
export function numberIn(make: Expressions, bounds: Bounds): Expression {
  const { least, most } = bounds;
  if (!least && !most) return anyNumber(make);
  const digits = new Digits(make);
  const free = make.optional(digits.point(digits.some));
  const nonzero = make.sequence(make.repeat(digits.from(0, 0), 0), digits.from(1, 9), digits.any);

  /** Numbers without a sign on one side of a bound: `side` 1, at least; −1, at most. */
  const beyond = ({ value, exclusive }: Bound, side: 1 | -1): Expression => {
    const [whole, fraction] = partsOf(value) as readonly [string, string];
    const equal = side > 0 ? (exclusive ? nonzero : digits.any) : exclusive ? make.nothing : make.repeat(digits.from(0, 0), 0);
    // Missing digits of the fraction are 0.
    let behind = equal;
    for (const digit of Array.from(fraction, Number).reverse()) {
      const [first, last] = side > 0 ? [digit + 1, 9] : [0, digit - 1];
      const apart = first <= last ? make.sequence(digits.from(first, last), digits.any) : make.nothing;
      behind = make.choice(apart, make.sequence(digits.from(digit, digit), behind), ...(side < 0 ? [make.empty] : []));
    }
    const some = make.all(behind, digits.some);
    const same = fraction === '' && exclusive && side < 0 ? make.nothing : digits.point(some);
    const bare = side > 0 ? fraction === '' && !exclusive : fraction !== '' || !exclusive;
    const ofSame = digits.compared(whole, side, free, make.choice(same, bare ? make.empty : make.nothing));
    const others = side > 0 ? digits.whole(whole.length + 1, EXACT) : whole.length > 1 ? digits.whole(1, whole.length - 1) : make.nothing;
    return make.choice(ofSame, make.sequence(others, free));
  };
  const flipped = (bound: Bound | undefined): Bound | undefined => bound && { value: -bound.value, exclusive: bound.exclusive };
  /** Numbers from 0 on, not below `from` and not above `to`. */
  const magnitude = (from: Bound | undefined, to: Bound | undefined, zero: boolean): Expression => {
    if (to && (to.value < 0 || (to.value === 0 && (to.exclusive || !zero)))) return make.nothing;
    const low =
      !from || from.value < 0 ? { value: 0, exclusive: !zero } : { ...from, exclusive: from.exclusive || (from.value === 0 && !zero) };
    const short = make.repeat(make.choice(digits.from(0, 9), make.text('.')), 1, EXACT + 1);
    return make.all(beyond(low, 1), ...(to ? [beyond(to, -1)] : []), short);
  };
  return make.word(
    make.choice(magnitude(least, most, true), make.sequence(make.text('-'), magnitude(flipped(most), flipped(least), false))),
  );
}
