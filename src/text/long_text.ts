/**
 * Long texts in pieces, so that the event loop gets its turns between them, and a caller with enough tokens can stop. A text is split only where this does not change
 * its tokens; where there is no such place, the text is one piece.
 */
import { type AddedToken, Found } from './added_tokens.js';
import { stringOf, type Text } from './aligned.js';
import type { Model } from './vocabulary.js';

/** Characters of a piece: some milliseconds. */
export const PIECE = 1 << 15;
/** Texts up to this length are not cut. */
export const LONG = 2 * PIECE;

/** A place between two characters, and texts that may stand before and behind it. */
interface Seam {
  readonly pattern: RegExp;
  readonly before: readonly string[];
  readonly behind: readonly string[];
}

/** Words, and a space and words. */
const ahead = [
  'a',
  'Big',
  'it\u2019s',
  "don't",
  ' x',
  '  two  \n z',
  '42 b',
  '(c',
  'né',
  '中文 d',
  '。E',
  '¿f',
  '\tg',
  '…h',
  '😀 i',
  'ﬁ ﬁj',
  'ж',
  '문',
  'שλ',
];
const beyond = [
  ' a',
  ' b c',
  ' S',
  " s't",
  ' to 42',
  ' c)',
  ' d\u0301',
  ' e  f',
  ' g\n',
  ' H中',
  ' i😀',
  ' k…',
  ' l ',
  ' é',
  ' ж',
  ' 서울',
  ' ש',
];

/** Before the space of another word, and before a line of them; within Chinese, and there before punctuation. */
const seams: readonly Seam[] = [
  { pattern: /\p{L}(?= \p{L})/gu, before: ahead, behind: beyond },
  { pattern: /\p{L}(?=\n\p{L})/gu, before: ahead, behind: beyond.map((text) => text.replace(' ', '\n')) },
  {
    pattern: /[\u4e00-\u9fff](?=[\u4e00-\u9fff])/g,
    before: ['中', '我喜', 'a文', ' 文', '，天', '42年', '\n日', 'é 月', '😀火', '、水', '  木'],
    behind: ['中', '国人', '文a', '文 b', '天，', '年42', '日\n', '月é', '火😀', '水\u0301', '木 '],
  },
  {
    pattern: /[\u4e00-\u9fff](?=[，。])/g,
    before: ['中', '我喜', 'a文', ' 文', '，天', '42年', '\n日', 'é 月', '😀火', '、水', '  木'],
    behind: ['，', '。', '，国人', '。a', '， b', '。，', '，42', '。\n', '。”é', '，😀', '。\u0301', '。 '],
  },
];

export type Parts = (text: string, first: boolean) => readonly (Found<Text> | readonly Text[])[];

/** Output of the parts, as one string for comparison. */
const spelt = (parts: ReturnType<Parts>): string =>
  JSON.stringify(parts.flatMap((part): (string | number)[] => (part instanceof Found ? [part.token.id] : part.map(stringOf))));

/** Returns `true` where cutting texts at the seam does not change a tokenizer's output. The tokenizer's parts are tried on samples rather than analysed: a pattern may be any. */
function isSeam({ before, behind }: Seam, parts: Parts): boolean {
  try {
    return before.every((a) =>
      [true, false].every((first) => {
        const head = parts(a, first);
        return behind.every((b) => spelt(parts(a + b, first)) === spelt([...head, ...parts(b, false)]));
      }),
    );
  } catch {
    return false;
  }
}

/** `true` where no added token can lie across the seam, or look or reach across. */
const isFree = ({ pattern }: Seam, added: readonly AddedToken[]): boolean =>
  added.every(({ content, rstrip, single_word }) => {
    pattern.lastIndex = 0;
    const inside = pattern.test(content);
    return !inside && !(rstrip && /\p{L}$/u.test(content)) && !(single_word && /\p{Script=Han}/u.test(content));
  });

/** Cuts long texts for one tokenizer. */
export class Cutter {
  readonly #parts: Parts;
  readonly #model: Model;
  /** Pattern of the seams that were tried and are safe: one pattern, since each alone would search a text without its seam again for every piece. */
  #seam: RegExp | undefined;
  /** Pairs of neighbouring characters that occur within pieces of the vocabulary: between all other characters a word may be split. */
  #neighbours: Set<number> | undefined;

  readonly #added: readonly AddedToken[];

  constructor(parts: Parts, model: Model, added: readonly AddedToken[]) {
    this.#parts = parts;
    this.#model = model;
    this.#added = added;
  }

  /** The pieces of a text, which put together are the text. */
  *pieces(text: string): Generator<string, void> {
    let begin = 0;
    while (text.length - begin > LONG) {
      this.#seam ??= anyOf(seams.filter((seam) => isFree(seam, this.#added) && isSeam(seam, this.#parts)));
      this.#seam.lastIndex = begin + PIECE;
      if (!this.#seam.test(text)) break;
      const end = this.#seam.lastIndex;
      yield text.slice(begin, end);
      begin = end;
    }
    yield text.slice(begin);
  }

  /** The words in groups; long words are split where no token can be on both sides, and a part that stays long is a group of its own. */
  *words(words: readonly Text[]): Generator<string[], void> {
    let some: string[] = [];
    let length = 0;
    for (const word of words.map(stringOf)) {
      for (const part of word.length > LONG ? this.#partsOf(word) : [word]) {
        if (part.length > LONG && some.length) {
          yield some;
          some = [];
        }
        some.push(part);
        length += part.length;
        if (length < PIECE) continue;
        yield some;
        some = [];
        length = 0;
      }
    }
    yield some;
  }

  *#partsOf(word: string): Generator<string, void> {
    this.#neighbours ??= neighboursIn(this.#model.pieces?.() ?? []);
    const known = this.#neighbours;
    let begin = 0;
    for (let i = PIECE; known.size && i < word.length; i++) {
      const [a, b] = [word.charCodeAt(i - 1), word.charCodeAt(i)];
      // An unknown character may become one token with its neighbour.
      if (known.has(a * 0x10000 + b) || isSurrogate(a) || isSurrogate(b) || this.#model.idOf(word.charAt(i - 1)) === undefined) continue;
      yield word.slice(begin, i);
      begin = i;
      i += PIECE;
    }
    yield word.slice(begin);
  }
}

const isSurrogate = (unit: number) => (unit & 0xf800) === 0xd800;

const anyOf = (all: readonly Seam[]) => new RegExp(all.map(({ pattern }) => pattern.source).join('|') || '(?!)', 'gu');

function neighboursIn(pieces: Iterable<string>): Set<number> {
  const found = new Set<number>();
  for (const piece of pieces) for (let i = 1; i < piece.length; i++) found.add(piece.charCodeAt(i - 1) * 0x10000 + piece.charCodeAt(i));
  return found;
}
