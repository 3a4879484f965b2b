/** Sets of characters, by their code points, and their spellings in bytes: UTF-8, or the inside of a JSON string. */
import { type ByteSet, bytesOf, union } from './byte_set.js';
import type { Expression, Expressions } from './expression.js';

/** Runs of code points, ascending and disjoint. Surrogates are no characters. */
export type Characters = readonly (readonly [first: number, last: number])[];

const LAST = 0x10ffff;
const SURROGATES = [0xd800, 0xdfff] as const;

/** Union of the sets. */
export function joined(...sets: readonly Characters[]): Characters {
  const found: [number, number][] = [];
  for (const [first, last] of sets.flat().sort((a, b) => a[0] - b[0])) {
    const before = found.at(-1);
    if (before && first <= before[1] + 1) before[1] = Math.max(before[1], last);
    else found.push([first, last]);
  }
  return found;
}

/** Characters that are not in the set. */
export function without(set: Characters): Characters {
  const found: [number, number][] = [];
  let from = 0;
  for (const [first, last] of joined(set, [SURROGATES])) {
    if (first > from) found.push([from, first - 1]);
    from = last + 1;
  }
  if (from <= LAST) found.push([from, LAST]);
  return found;
}

export const common = (a: Characters, b: Characters): Characters => without(joined(without(a), without(b)));

export const everyCharacter = without([]);

/** Characters that a pattern of one character matches, for example those of a Unicode property. Testing all of them takes some hundredths of a second. */
export function charactersOf(pattern: RegExp): Characters {
  const found: [number, number][] = [];
  for (let code = 0; code <= LAST; code++) {
    if (code === SURROGATES[0]) code = SURROGATES[1] + 1;
    if (!pattern.test(String.fromCodePoint(code))) continue;
    const before = found.at(-1);
    if (before?.[1] === code - 1) before[1] = code;
    else found.push([code, code]);
  }
  return found;
}

/** Bytes of which each is in its run. */
type Runs = readonly (readonly [first: number, last: number])[];

/** Code points that take the same number of bytes, as runs of bytes: the last bytes of a run of code points are all that there are, or it is cut. */
function runsOf(first: number, last: number, more: number, found: Runs[], before: Runs): void {
  const unit = 64 ** more;
  const mark = before.length ? 0x80 : ([0, 0xc0, 0xe0, 0xf0][more] as number);
  const [a, b] = [Math.floor(first / unit), Math.floor(last / unit)];
  const [restA, restB] = [first - a * unit, last - b * unit];
  const whole = Array.from({ length: more }, () => [0x80, 0xbf] as const);
  if (restA === 0 && restB === unit - 1) found.push([...before, [mark | a, mark | b], ...whole]);
  else if (a === b) runsOf(restA, restB, more - 1, found, [...before, [mark | a, mark | a]]);
  else {
    if (restA > 0) runsOf(restA, unit - 1, more - 1, found, [...before, [mark | a, mark | a]]);
    const [from, to] = [restA > 0 ? a + 1 : a, restB < unit - 1 ? b - 1 : b];
    if (from <= to) found.push([...before, [mark | from, mark | to], ...whole]);
    if (restB < unit - 1) runsOf(0, restB, more - 1, found, [...before, [mark | b, mark | b]]);
  }
}

const widths = [
  [0, 0x7f],
  [0x80, 0x7ff],
  [0x800, 0xffff],
  [0x10000, LAST],
] as const;

/** Expression of one character of a set, in UTF-8. */
export function utf8(make: Expressions, set: Characters): Expression {
  const found: Runs[] = [];
  for (const [more, [least, most]] of widths.entries())
    for (const [first, last] of set)
      if (first <= most && last >= least) runsOf(Math.max(first, least), Math.min(last, most), more, found, []);
  return tree(make, found);
}

/** Runs with equal beginnings share the expression of the beginning, and runs with equal ends that of the end. */
function tree(make: Expressions, all: readonly Runs[]): Expression {
  if (all.some((runs) => runs.length === 0)) return make.empty;
  make.spend(all.length / 4);
  const byFirst = new Map<string, Runs[]>();
  for (const runs of all) {
    const key = String(runs[0]);
    const group = byFirst.get(key);
    if (group) group.push(runs);
    else byFirst.set(key, [runs]);
  }
  const byTail = new Map<Expression, ByteSet>();
  for (const group of byFirst.values()) {
    const tail = tree(
      make,
      group.map((runs) => runs.slice(1)),
    );
    const set = bytesOf((group[0] as Runs)[0] as readonly [number, number]);
    byTail.set(tail, union(byTail.get(tail) ?? new Uint32Array(8), set));
  }
  return make.choice(...[...byTail].map(([tail, set]) => make.sequence(make.bytes(set), tail)));
}

/** Characters that must be escaped in a JSON string. */
const ESCAPED: Characters = [
  [0, 0x1f],
  [0x22, 0x22],
  [0x5c, 0x5c],
];

const UNESCAPED = without(ESCAPED);

/** Expression of one character of a set, within a JSON string, as JSON.stringify writes it. */
export function inJson(make: Expressions, set: Characters): Expression {
  const escapes = common(set, ESCAPED).flatMap(([first, last]) =>
    Array.from({ length: last - first + 1 }, (_, i) => make.text(JSON.stringify(String.fromCharCode(first + i)).slice(1, -1))),
  );
  return make.choice(utf8(make, common(set, UNESCAPED)), ...escapes);
}

const HEX: Characters = [
  [0x30, 0x39],
  [0x41, 0x46],
  [0x61, 0x66],
];

/** Expression of one character within a JSON string, escaped or not. Half a surrogate pair is no character. */
export function anyInJson(make: Expressions): Expression {
  const one = (characters: string) => make.choice(...Array.from(characters, make.text));
  const hex = utf8(make, HEX);
  const digits = (count: number) => make.repeat(hex, count, count);
  const ordinary = make.choice(make.sequence(one('0123456789abcefABCEF'), digits(3)), make.sequence(one('dD'), one('01234567'), digits(2)));
  const pair = [
    [one('dD'), one('89abAB'), digits(2)],
    [make.text('\\u'), one('dD'), one('cdefCDEF'), digits(2)],
  ].flat();
  const escaped = make.choice(one('"\\/bfnrt'), make.sequence(make.text('u'), make.choice(ordinary, make.sequence(...pair))));
  return make.choice(utf8(make, UNESCAPED), make.sequence(make.text('\\'), escaped));
}
