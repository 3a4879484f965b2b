/**
 * Added tokens: words of a vocabulary, mostly special tokens, that are found in a text before any other step, or right after
 * the text is normalized. The leftmost match counts, and of several there the longest. The search is one pass over the text,
 * whatever the text holds.
 */
import type { JsonNode } from '../io/json.js';
import { slice, stringOf, type Text } from './aligned.js';
import { wordCharacters } from './unicode.js';
import { LARGEST_ID } from './vocabulary.js';

export interface AddedToken {
  readonly id: number;
  readonly content: string;
  /** `true`: left out by decode's skip_special_tokens. */
  readonly special: boolean;
  /** `true`: looked for in the normalized text. */
  readonly normalized: boolean;
  /** `true`: matches only where no letter or digit touches the token. */
  readonly single_word: boolean;
  /** `true`: the token takes the white space beside it. */
  readonly lstrip: boolean;
  readonly rstrip: boolean;
}

/** The added tokens of a tokenizer.json. */
export function addedTokensOf(root: JsonNode): AddedToken[] {
  return root.objects('added_tokens').flatMap((node) => {
    const content = node.string('content');
    if (content.length > 1000) throw node.error('is a token of more than 1000 characters');
    const special = node.boolean('special', false);
    const flags = {
      normalized: node.boolean('normalized', !special),
      single_word: node.boolean('single_word', false),
      lstrip: node.boolean('lstrip', false),
      rstrip: node.boolean('rstrip', false),
    };
    const id = node.integer('id', LARGEST_ID);
    return content ? [{ id, content, special, ...flags }] : [];
  });
}

interface Branch {
  next: Map<number, Branch>;
  token?: AddedToken;
}

/** An added token, and the part of a text that is it, with the white space that it takes. */
export class Found<T extends Text> {
  constructor(
    readonly token: AddedToken,
    readonly text: T,
  ) {}
}

/** Cuts texts at added tokens. */
export class Splitter {
  readonly #root: Branch = { next: new Map() };

  constructor(tokens: readonly AddedToken[], spelling = (content: string): string => content) {
    for (const token of tokens) {
      let branch = this.#root;
      const word = spelling(token.content);
      for (let i = 0; i < word.length; i++) {
        const next: Branch = branch.next.get(word.charCodeAt(i)) ?? { next: new Map() };
        branch.next.set(word.charCodeAt(i), next);
        branch = next;
      }
      if (word) branch.token = token;
    }
  }

  /** The text's parts in order; never an empty one. */
  split<T extends Text>(whole: T): (T | Found<T>)[] {
    const parts: (T | Found<T>)[] = [];
    const text = stringOf(whole);
    let done = 0;
    for (let i = 0; i < text.length; ) {
      const found = this.#root.next.has(text.charCodeAt(i)) ? this.#match(text, i) : undefined;
      if (!found) {
        i++;
        continue;
      }
      let [start, end] = [i, i + found.length];
      i = end;
      const { token } = found;
      if (token.single_word && (endsInWord(text, start) || beginsWord(text, end))) continue;
      if (token.lstrip) while (start > done && isSpace(text, start - 1)) start--;
      if (token.rstrip) while (end < text.length && isSpace(text, end)) end++;
      if (start > done) parts.push(slice(whole, done, start));
      parts.push(new Found(token, slice(whole, start, end)));
      done = i = end;
    }
    if (done < text.length) parts.push(slice(whole, done, text.length));
    return parts;
  }

  /** The longest token that begins at `start`. */
  #match(text: string, start: number): { token: AddedToken; length: number } | undefined {
    let found: { token: AddedToken; length: number } | undefined;
    let branch: Branch | undefined = this.#root;
    for (let i = start; i < text.length; i++) {
      branch = branch.next.get(text.charCodeAt(i));
      if (!branch) break;
      if (branch.token) found = { token: branch.token, length: i + 1 - start };
    }
    return found;
  }
}

const isSpace = (text: string, at: number) => /\p{White_Space}/u.test(text.charAt(at));
const wordAtEnd = new RegExp(`[${wordCharacters}]$`, 'u');
const wordAtStart = new RegExp(`^[${wordCharacters}]`, 'u');
const endsInWord = (text: string, end: number) => wordAtEnd.test(text.slice(Math.max(0, end - 2), end));
const beginsWord = (text: string, start: number) => wordAtStart.test(text.slice(start, start + 2));
