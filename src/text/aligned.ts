/**
 * Texts on their way through a tokenizer, with or without alignment to the original text. A `Text` is a string, which is
 * fastest, or an `Aligned`: a string that knows for each of its code units the part of the original text that it stands for.
 * The steps of a pipeline are written once, for both, on the functions below. Alignment of new characters is
 * decided as in Hugging Face's NormalizedString, so that offsets agree with theirs.
 */

/** Begin and end in a text, in UTF-16 code units, for text.slice(begin, end). */
export type Span = readonly [begin: number, end: number];

export type Text = string | Aligned;

export class Aligned {
  private constructor(
    readonly text: string,
    readonly begins: Int32Array,
    readonly ends: Int32Array,
  ) {}

  /** An unchanged text, which begins at `from` of the original. Both halves of a surrogate pair are aligned to the pair. */
  static of(text: string, from = 0): Aligned {
    const [begins, ends] = [new Int32Array(text.length), new Int32Array(text.length)];
    for (let begin = 0; begin < text.length; ) {
      const end = begin + ((text.codePointAt(begin) as number) > 0xffff ? 2 : 1);
      for (let i = begin; i < end; i++) {
        begins[i] = from + begin;
        ends[i] = from + end;
      }
      begin = end;
    }
    return new Aligned(text, begins, ends);
  }

  slice(begin: number, end: number): Aligned {
    return new Aligned(this.text.slice(begin, end), this.begins.subarray(begin, end), this.ends.subarray(begin, end));
  }

  /** Returns the text that `tracer` made of this text, with its origins. */
  become({ text, sources }: Tracer): Aligned {
    const from = (list: Int32Array) => {
      const values = new Int32Array(sources.length);
      for (let i = 0; i < sources.length; i++) values[i] = list[sources[i] as number] ?? 0;
      return values;
    };
    return new Aligned(text, from(this.begins), from(this.ends));
  }

  /** The part of the original that code units `begin` to `end` stand for. */
  span(begin: number, end: number): Span {
    return begin < end ? [this.begins[begin] ?? 0, this.ends[end - 1] ?? 0] : [0, 0];
  }
}

/** Writes a new text, and for each of its code units the index of the old one that it stands for. */
export class Tracer {
  // Text that is put together by += is a tree with a node for each piece.
  readonly #pieces: string[] = [];
  #sources = new Int32Array(64);
  #length = 0;

  get text(): string {
    return this.#pieces.join('');
  }

  get sources(): Int32Array {
    return this.#sources.subarray(0, this.#length);
  }

  put(piece: string, source: number): void {
    const begin = this.#add(piece);
    for (let i = begin; i < this.#length; i++) this.#sources[i] = source;
  }

  keep(old: string, begin: number, end: number): void {
    const first = this.#add(old.slice(begin, end));
    for (let i = first; i < this.#length; i++) this.#sources[i] = begin + i - first;
  }

  /** Adds a piece and returns the place where it begins. */
  #add(piece: string): number {
    const begin = this.#length;
    this.#length += piece.length;
    if (this.#length > this.#sources.length) {
      const sources = new Int32Array(2 * this.#length);
      sources.set(this.#sources);
      this.#sources = sources;
    }
    this.#pieces.push(piece);
    return begin;
  }
}

export const stringOf = (text: Text): string => (typeof text === 'string' ? text : text.text);

export const slice = <T extends Text>(text: T, begin: number, end: number): T => text.slice(begin, end) as T;

/** `whole` says what becomes of a string; `trace` does the same and tells where each piece comes from. */
export function rewrite<T extends Text>(text: T, whole: (text: string) => string, trace: (text: string, tracer: Tracer) => void): T {
  if (typeof text === 'string') return whole(text) as T;
  const tracer = new Tracer();
  trace(text.text, tracer);
  return text.become(tracer) as T;
}

/** Rewrites every character by itself. */
export const rewriteEach = <T extends Text>(text: T, whole: (text: string) => string, one = whole): T =>
  rewrite(text, whole, (old, tracer) => {
    let i = 0;
    for (const character of old) {
      tracer.put(one(character), i);
      i += character.length;
    }
  });

/** A part of a text that a pattern matches, or that stands between matches. */
type Part = readonly [begin: number, end: number, matched: boolean];

/** A text's parts in order. As in Oniguruma no empty match stands right behind another match, where JavaScript finds one. */
function partsOf(text: string, pattern: RegExp): Part[] {
  const parts: Part[] = [];
  if (!text) return parts;
  let done = 0;
  let before = -1;
  for (const { 0: match, index } of text.matchAll(pattern)) {
    if (!match && index === before) continue;
    if (done < index) parts.push([done, index, false]);
    done = before = index + match.length;
    parts.push([index, done, true]);
  }
  if (done < text.length) parts.push([done, text.length, false]);
  return parts;
}

/** Replaces matches. A replacement is aligned to the last character that it replaces, or to the one before; at the beginning of a text to nothing. */
export const replace = <T extends Text>(text: T, pattern: RegExp, content: string): T =>
  rewrite(
    text,
    (old) => substitute(old, pattern, content),
    (old, tracer) => {
      for (const [begin, end, matched] of partsOf(old, pattern))
        if (matched) tracer.put(content, end - 1);
        else tracer.keep(old, begin, end);
    },
  );

/** The source of a pattern that is nothing but characters. */
const literal = /^(?:\\u\{[\da-f]+\}|\\[^\p{L}\p{N}]|[^\\^$.*+?()[\]{}|])+$/u;

export function substitute(text: string, pattern: RegExp, content: string): string {
  if (!text) return text;
  // A pattern without special characters has no empty match.
  if (literal.test(pattern.source)) return text.replace(pattern, () => content);
  let before = -1;
  return text.replace(pattern, (match, ...rest) => {
    // Groups come before the index, of which a named one makes an object come last.
    const index = rest.findLast((value) => typeof value === 'number') as number;
    if (!match && index === before) return '';
    before = index + match.length;
    return content;
  });
}

/** Prepends a prefix, which is aligned to the text's first character. */
export const prepend = <T extends Text>(text: T, prefix: string): T =>
  rewrite(
    text,
    (old) => old && prefix + old,
    (old, tracer) => {
      if (old) tracer.put(prefix, 0);
      tracer.keep(old, 0, old.length);
    },
  );

/** The parts of a text that match. */
export function matches<T extends Text>(text: T, pattern: RegExp): readonly T[] {
  if (typeof text === 'string') return (text.match(pattern) ?? []) as readonly string[] as readonly T[];
  return Array.from(text.text.matchAll(pattern), ({ 0: match, index }) => slice(text, index, index + match.length));
}

/** Behaviour of splits: whether a match joins the part before it, reading from either end. */
const joins: Readonly<Record<string, { readonly backwards?: boolean; join(matched: boolean, before: boolean): boolean }>> = {
  Removed: { join: () => false },
  Isolated: { join: () => false },
  Contiguous: { join: (matched, before) => matched === before },
  MergedWithPrevious: { join: (matched, before) => matched && !before },
  MergedWithNext: { join: (matched, before) => matched && !before, backwards: true },
};

export type Behavior = 'Removed' | 'Isolated' | 'Contiguous' | 'MergedWithPrevious' | 'MergedWithNext';
export const behaviors = Object.keys(joins) as readonly Behavior[];

/** Parts into which a pattern splits a text; never an empty one. With `inverted` the text between matches takes the role of matches. */
export function split<T extends Text>(text: T, pattern: RegExp, behavior: Behavior, inverted = false): readonly T[] {
  const { join, backwards } = joins[behavior] as (typeof joins)[string];
  const spans: [begin: number, end: number][] = [];
  const parts = partsOf(stringOf(text), pattern);
  if (backwards) parts.reverse();
  let before = false;
  for (const [begin, end, found] of parts) {
    const matched = found !== inverted;
    const last = spans.at(-1);
    if (last && join(matched, before)) last[backwards ? 0 : 1] = backwards ? begin : end;
    else if (!matched || behavior !== 'Removed') spans.push([begin, end]);
    before = matched;
  }
  if (backwards) spans.reverse();
  return spans.flatMap(([begin, end]) => (begin < end ? [slice(text, begin, end)] : []));
}
