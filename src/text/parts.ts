/**
 * What the readers of tokenizer.json's parts have in common: finding the one that a part's `type` names, and checking what
 * @huggingface/tokenizers leaves unchecked.
 */
import { HeedError } from '../errors.js';
import { isObject, JsonNode } from '../io/json.js';

/** The entry of a table that a part's `type` names. */
export function lookUp<T>(table: Readonly<Record<string, T>>, node: JsonNode, what: string): T {
  const type = node.string('type');
  const entry = Object.hasOwn(table, type) ? table[type] : undefined;
  if (entry !== undefined) return entry;
  const message = `${node.file}: heed has no ${what} ${JSON.stringify(type.slice(0, 60))}; it has ${Object.keys(table).join(', ')}`;
  throw new HeedError('UNSUPPORTED', message, { culprit: node.path });
}

/** A pattern is given as {"String": …} or {"Regex": …}; the library takes anything else for a pattern that never matches. */
export function checkPattern(node: JsonNode): void {
  const pattern = node.get('pattern');
  const [kind] = isObject(pattern) ? Object.keys(pattern) : [];
  if (kind !== 'String' && kind !== 'Regex') throw node.error('must have a pattern, a String or a Regex');
  JsonNode.of(node.file, pattern, `${node.path}.pattern`).string(kind);
}
