/**
 * Unicode's normal forms with alignment: the runtime normalizes, and its results show
 * each character's decomposition, the order of the marks, and which of them were composed.
 */
import type { Tracer } from './aligned.js';
import { unchanged } from './unicode.js';

export type Form = 'NFC' | 'NFD' | 'NFKC' | 'NFKD';

/**
 * A character of a new text, and how it took the old one's place: 0 replaced one character, n > 0 was put in after it,
 * n < 0 replaced one and -n more, as in Hugging Face's NormalizedString.
 */
export type Change = readonly [character: string, change: number];

/** Engines sort a run of combining marks in quadratic time: 100,000 of them take 5 s. No language has 64 in a row, so runs end there. */
const ends = new RegExp(`(\\p{M}{64}|[${unchanged}])`, 'u');
const kept = new RegExp(`^[${unchanged}]$`, 'u');
const pieces = (text: string): string[] => text.split(ends);
const formOf = (piece: string, form: Form): string => (kept.test(piece) ? piece : piece.normalize(form));

export const normalForm = (form: Form) => (text: string) =>
  pieces(text)
    .map((piece) => formOf(piece, form))
    .join('');

export const traceForm = (form: Form) => (text: string, tracer: Tracer) => {
  let begin = 0;
  for (const piece of pieces(text)) {
    const end = begin + piece.length;
    const result = formOf(piece, form);
    if (result === piece) tracer.keep(text, begin, end);
    else traceChanges(changes(piece, form, result), text, begin, tracer);
    begin = end;
  }
};

function changes(text: string, form: Form, result: string): readonly Change[] {
  const apart = form.replace('C', 'D');
  const parts = Array.from(text, (old) => Array.from(old.normalize(apart), (character, i): Change => [character, Math.min(i, 1)])).flat();
  const sorted = gather(parts, text.normalize(apart), (character) => [character]);
  return apart === form ? sorted : gather(sorted, result, (character) => character.normalize('NFD'));
}

/** Finds the characters of `result`, or what each is composed of, among `list`, in its order as far as there is one. */
function gather(list: readonly Change[], result: string, partsOf: (character: string) => Iterable<string>): readonly Change[] {
  const taken = new Uint8Array(list.length + 1);
  let first = 0;
  return Array.from(result, (character) => {
    let [at, change] = [first, 1];
    for (const part of partsOf(character)) {
      while (at < list.length && (taken[at] || list[at]?.[0] !== part)) at++;
      taken[at] = 1;
      change += (list[at]?.[1] ?? 0) - 1;
    }
    while (first < list.length && taken[first]) first++;
    return [character, change];
  });
}

/** Writes changes of the part of `text` that begins at `begin`. */
export function traceChanges(list: readonly Change[], text: string, begin: number, tracer: Tracer): void {
  const step = (at: number) => at + ((text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1);
  let before = Math.max(0, begin - 1);
  let at = begin;
  for (const [character, change] of list) {
    if (change > 0) {
      tracer.put(character, before);
      continue;
    }
    tracer.put(character, at);
    for (let i = change; i <= 0; i++) {
      before = at;
      at = step(at);
    }
  }
}
