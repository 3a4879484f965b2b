/**
 * Shared helpers of the readers of tokenizer.json's parts: dispatch on a part's `type`, patterns, and
 * limits. Patterns are translated by @huggingface/tokenizers, which checks nothing.
 */
import { ReplaceNormalizer } from '@huggingface/tokenizers';
import { HeedError } from '../errors.js';
import { isObject, JsonNode } from '../io/json.js';
import { stringOf, type Text } from './aligned.js';
import { prepare, Untranslatable } from './oniguruma.js';
import { dangerOf } from './pattern.js';

/** The entry of a table that a part's `type` names. */
export function lookUp<T>(table: Readonly<Record<string, T>>, node: JsonNode, what: string): T {
  const type = node.string('type');
  const entry = Object.hasOwn(table, type) ? table[type] : undefined;
  if (entry !== undefined) return entry;
  const message = `${node.file}: heed has no ${what} ${JSON.stringify(type.slice(0, 60))}; it has ${Object.keys(table).join(', ')}`;
  throw new HeedError('UNSUPPORTED', message, { culprit: node.path });
}

/** A member that is one character. */
export function characterOf(node: JsonNode, key: string, ...absent: [string?]): string {
  const character = node.string(key, ...absent);
  if (character === undefined || !/^.$/su.test(character)) throw node.error(`must have one character for its ${key}`);
  return character;
}

/** Metaspace's mark before a text that does not begin with a space: always, first, never. Old files have another key for it. */
export const prependSchemeOf = (node: JsonNode): string =>
  node.string('prepend_scheme', node.boolean('add_prefix_space', true) ? 'always' : 'never');

/** The steps of a Sequence, and those of Sequences within it, in their order. */
export const stepsOf = (node: JsonNode, key: string): JsonNode[] =>
  node.objects(key).flatMap((step) => (step.get('type') === 'Sequence' ? stepsOf(step, key) : [step]));

/** A text may become this many times as long. No tokenizer known makes more than 18 characters of one. */
const MOST_GROWTH = 64;
const SHORT = 1000;

/** Thirty steps that double a text would make a thousand million of each character. Throws FORMAT before that. */
export function checkGrowth(node: JsonNode, before: number, after: number): void {
  if (after > SHORT && after > MOST_GROWTH * before) throw node.error(`makes ${after} characters of ${before}`);
}

/** The characters of all pieces together. */
export const lengthOf = (pieces: readonly Text[]): number => pieces.reduce((length, piece) => length + stringOf(piece).length, 0);

/** Pattern of a part in JavaScript's syntax: the library translates Oniguruma's. Throws UNSUPPORTED for a pattern that has no translation or may take forever. */
export function patternOf(node: JsonNode): RegExp {
  const pattern = translated(node);
  const danger = dangerOf(pattern);
  if (danger === undefined) return pattern;
  throw unsupported(node, `may take forever: it has ${danger}`, 'Write it so that each text matches in one way');
}

/** A pattern is given as {"String": …} or {"Regex": …}; the library takes anything else for a pattern that never matches. */
function translated(node: JsonNode): RegExp {
  const given = node.get('pattern');
  const [kind] = isObject(given) ? Object.keys(given) : [];
  if (kind !== 'String' && kind !== 'Regex') throw node.error('must have a pattern, a String or a Regex');
  const source = JsonNode.of(node.file, given, `${node.path}.pattern`).string(kind);
  const compile = (text: string) => new ReplaceNormalizer({ ...node.value, pattern: { [kind]: text } }).pattern;
  if (kind === 'String') return compile(source);
  let text: string;
  try {
    text = prepare(source);
  } catch (error) {
    if (error instanceof Untranslatable) throw unsupported(node, `has ${error.message}, which JavaScript's patterns have not`);
    throw error;
  }
  try {
    return compile(text);
  } catch (error) {
    throw unsupported(node, `has no translation into JavaScript's patterns (${error instanceof Error ? error.message : error})`);
  }
}

const unsupported = (node: JsonNode, why: string, cure?: string) =>
  new HeedError('UNSUPPORTED', `${node.file}: ${node.path}.pattern ${why}`, { culprit: `${node.path}.pattern`, ...(cure && { cure }) });
