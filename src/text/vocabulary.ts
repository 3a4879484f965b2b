/**
 * The interface of tokenizer models, and look-ups of ids in an unchecked vocabulary.
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
  /** Pieces of which words are composed: two characters that are neighbours in no piece are never in one token. Absent where this does not hold. */
  pieces?(): Iterable<string>;
}

/** The largest id that a vocabulary may have: 60 times the largest vocabulary known. */
export const LARGEST_ID = (1 << 24) - 1;

/** Ids of a text's bytes, <0x00> to <0xFF>, in vocabularies with such tokens for unknown characters. */
export function byteIds(text: string, idOf: (token: string) => number | undefined): readonly number[] | undefined {
  const ids = Array.from(new TextEncoder().encode(text), (byte) => idOf(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`));
  return ids.every((id) => id !== undefined) ? ids : undefined;
}

/** Pieces and their ids, in whatever form a file has them. As JSON it is an object, as in tokenizer.json. */
export abstract class Table {
  abstract readonly size: number;
  abstract idOf(token: string): number | undefined;
  abstract tokenOf(id: number): string | undefined;
  abstract entries(): Iterable<readonly [token: string, id: number]>;

  toJSON(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.entries());
  }
}

/**
 * A table read where JSON.parse left it: copying 30,000 entries into Maps takes as long as parsing them, and start-up
 * is what tokenizers are used for most.
 */
class JsonTable extends Table {
  #tokens: Map<number, string> | undefined;

  constructor(readonly node: JsonNode) {
    super();
  }

  get size(): number {
    return Object.keys(this.node.value).length;
  }

  /** Returns the id of a token; inherited properties of the table are no tokens. */
  idOf(token: string): number | undefined {
    const id = this.node.value[token];
    if (id === undefined) return undefined;
    if (typeof id === 'number' && Number.isInteger(id) && id >= 0 && id <= LARGEST_ID) return id;
    if (!Object.hasOwn(this.node.value, token)) return undefined;
    throw this.node.error(`gives ${JSON.stringify(token.slice(0, 60))} an id that is not a whole number from 0 to ${LARGEST_ID}`);
  }

  tokenOf(id: number): string | undefined {
    this.#tokens ??= new Map(Array.from(this.entries(), ([token, id]) => [id, token]));
    return this.#tokens.get(id);
  }

  *entries(): Iterable<readonly [string, number]> {
    for (const token of Object.keys(this.node.value)) yield [token, this.idOf(token) as number];
  }
}

/** The vocabulary of a model, which is a table already, or an object of a JSON file. */
export function tableOf(model: JsonNode): Table {
  const own = model.object('vocab');
  return own.value instanceof Table ? own.value : new JsonTable(own);
}

/** A model whose vocabulary is a table. */
export class Vocabulary {
  protected readonly table: Table;

  constructor(model: JsonNode) {
    this.table = tableOf(model);
  }

  idOf(token: string): number | undefined {
    return this.table.idOf(token);
  }

  tokenOf(id: number): string | undefined {
    return this.table.tokenOf(id);
  }
}
