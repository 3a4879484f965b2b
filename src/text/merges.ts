/** The merges of a tokenizer.json, or of another file, as pairs of ids. */
import type { JsonNode } from '../io/json.js';
import { Merges, MOST_MERGES } from './merging.js';
import type { Table } from './vocabulary.js';

/** Merges in another form than JSON's. As JSON they are a list, as in tokenizer.json. */
export abstract class MergeList {
  abstract readonly length: number;
  /** Sets all merges, by the ids of the table that came with them; throws what `fail` makes of a merge that is none. */
  abstract fill(merges: Merges, fail: (what: string) => Error): void;
  abstract toJSON(): readonly string[];
}

export const [NOT_TWO, NOT_THERE] = ['has a merge that is not of two tokens', 'has a merge of tokens that are not in its vocabulary'];

/** Reads the merges of a model. Throws FORMAT. */
export function mergesOf(model: JsonNode, table: Table, prefix: string): Merges {
  const given = model.get('merges');
  const list = given instanceof MergeList ? given : model.array('merges');
  if (list.length > MOST_MERGES) throw model.error(`has more than ${MOST_MERGES} merges`);
  const merges = new Merges(list.length);
  if (list instanceof MergeList && prefix === '') list.fill(merges, (what) => model.error(what));
  else fill(merges, list instanceof MergeList ? list.toJSON() : list, model, table, prefix);
  return merges;
}

function fill(merges: Merges, list: readonly unknown[], model: JsonNode, table: Table, prefix: string): void {
  // Merges are looked up in a map: an object would make a property's name of each of their 100,000 slices.
  const ids = new Map<string, number>();
  const tokens: string[] = [];
  for (const [token, id] of table.entries()) {
    ids.set(token, id);
    tokens[id] = token;
  }
  // Most vocabularies have the tokens of merges in the merges' order.
  let expected = 0;
  for (const [rank, merge] of list.entries()) {
    const [left, right] = pairOf(merge);
    if (typeof left !== 'string' || typeof right !== 'string') throw model.error(NOT_TWO);
    if (right.length < prefix.length)
      throw model.error(`has a merge of ${JSON.stringify(right.slice(0, 60))}, which is shorter than its prefix`);
    const [a, b] = [ids.get(left), ids.get(right)];
    const rest = right.slice(prefix.length);
    const id = isJoined(tokens[expected], left, rest) ? expected : ids.get(left + rest);
    if (a === undefined || b === undefined || id === undefined) throw model.error(NOT_THERE);
    merges.set(rank, a, b, id);
    expected = id + 1;
  }
}

/** What a merge joins, "left right" or both in a list; nothing for what is none. Read without a list of words: a vocabulary has 100,000 of them. */
function pairOf(merge: unknown): readonly unknown[] {
  if (typeof merge !== 'string') return Array.isArray(merge) && merge.length === 2 ? merge : [];
  const space = merge.indexOf(' ');
  return space >= 0 && merge.indexOf(' ', space + 1) < 0 ? [merge.slice(0, space), merge.slice(space + 1)] : [];
}

const isJoined = (token: string | undefined, left: string, right: string): boolean =>
  token?.length === left.length + right.length && token.startsWith(left) && token.endsWith(right);
