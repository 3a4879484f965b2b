/**
 * What every tokenizer model offers, and how ids are looked up in a vocabulary that nobody has checked.
 */
import type { JsonNode } from '../io/json.js';

export interface Model {
  /**
   * Appends the ids of the words' pieces. `spans`, which is for one word, gets the begin and the end of each piece in it,
   * in code units; pieces that are bytes of one character all span the character.
   */
  encode(words: readonly string[], into: number[], spans?: number[]): void;
  /** Encodes one word like `encode`, yielding now and then. Absent where encoding is fast however long the word is. */
  steps?(word: string, into: number[], spans?: number[]): Generator<void, void>;
  idOf(token: string): number | undefined;
  tokenOf(id: number): string | undefined;
  /** What words are put together of: characters that stand beside each other in none of them are never in one token. Absent where that is not so. */
  pieces?(): Iterable<string>;
}

/** The largest id that a vocabulary may have: 60 times the largest vocabulary known. */
export const LARGEST_ID = (1 << 24) - 1;

/** The ids of a text's bytes, <0x00> to <0xFF>, in vocabularies that have them for what they lack. */
export function byteIds(text: string, idOf: (token: string) => number | undefined): readonly number[] | undefined {
  const ids = Array.from(new TextEncoder().encode(text), (byte) => idOf(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`));
  return ids.every((id) => id !== undefined) ? ids : undefined;
}

/**
 * A vocabulary read where JSON.parse left it: copying 30,000 entries into Maps takes as long as parsing them, and start-up
 * is what tokenizers are used for most.
 */
export class Vocabulary {
  #tokens: Map<number, string> | undefined;

  constructor(readonly node: JsonNode) {}

  /** Returns the id of a token; inherited properties of the table are no tokens. */
  idOf(token: string): number | undefined {
    const id = this.node.value[token];
    if (id === undefined) return undefined;
    if (typeof id === 'number' && Number.isInteger(id) && id >= 0 && id <= LARGEST_ID) return id;
    if (!Object.hasOwn(this.node.value, token)) return undefined;
    throw this.node.error(`gives ${JSON.stringify(token.slice(0, 60))} an id that is not a whole number from 0 to ${LARGEST_ID}`);
  }

  tokenOf(id: number): string | undefined {
    if (!this.#tokens) {
      this.#tokens = new Map();
      for (const token of Object.keys(this.node.value)) this.#tokens.set(this.idOf(token) as number, token);
    }
    return this.#tokens.get(id);
  }
}
