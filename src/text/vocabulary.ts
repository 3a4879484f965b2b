/**
 * What every tokenizer model offers, and how ids are looked up in a vocabulary that nobody has checked.
 */
import type { JsonNode } from '../io/json.js';

export interface Model {
  /** Appends the ids of the words' pieces. */
  encode(words: readonly string[], into: number[]): void;
  idOf(token: string): number | undefined;
  tokenOf(id: number): string | undefined;
}

/** The largest id that a vocabulary may have: 60 times the largest vocabulary known. */
export const LARGEST_ID = (1 << 24) - 1;

/** A token's id in a vocabulary as JSON has it. What an object inherits is no token. */
export function idIn(vocabulary: JsonNode, token: string): number | undefined {
  const id = vocabulary.value[token];
  if (id === undefined) return undefined;
  if (typeof id === 'number' && Number.isInteger(id) && id >= 0 && id <= LARGEST_ID) return id;
  if (!Object.hasOwn(vocabulary.value, token)) return undefined;
  throw vocabulary.error(`gives ${JSON.stringify(token.slice(0, 60))} an id that is not a whole number from 0 to ${LARGEST_ID}`);
}
