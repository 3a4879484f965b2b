/**
 * Normalizers: changes of a text before it is split into words, as tokenizer.json's `normalizer` describes them. Each is
 * a function from text to text, with the results of Hugging Face's Rust code, with which models were trained. Simple ones are
 * here, involved ones have files of their own.
 */
import type { JsonNode } from '../io/json.js';
import { prepend, replace, rewrite, rewriteEach, slice, stringOf, type Text } from './aligned.js';
import { bertNormalizer } from './bert.js';
import { spell } from './byte_level.js';
import { type Form, normalForm, traceForm } from './normal_forms.js';
import { checkGrowth, lookUp, patternOf, stepsOf } from './parts.js';
import { precompiled } from './precompiled.js';
import { whiteSpace } from './unicode.js';

export type Normalizer = <T extends Text>(text: T) => T;

const normalizers: Readonly<Record<string, (node: JsonNode) => Normalizer>> = {
  BertNormalizer: bertNormalizer,
  ByteLevel: () => (text) => rewriteEach(text, spell),
  Lowercase: () => (text) => rewriteEach(text, lowercase),
  NFC: () => form('NFC'),
  NFD: () => form('NFD'),
  NFKC: () => form('NFKC'),
  NFKD: () => form('NFKD'),
  Nmt: () => (text) => rewriteEach(text, nmt),
  // Every mark, where BERT's stripping takes those without width.
  StripAccents: () => (text) => rewriteEach(text, (part) => part.replace(/\p{M}/gu, '')),
  Strip: (node) => strip(node.boolean('strip_left', true), node.boolean('strip_right', true)),
  Prepend: (node) => {
    const prefix = node.string('prepend');
    return (text) => prepend(text, prefix);
  },
  Replace: (node) => {
    const pattern = patternOf(node);
    const content = node.string('content', '');
    return (text) => replace(text, pattern, content);
  },
  Precompiled: (node) => {
    const { whole, trace } = precompiled(node);
    return (text) => rewrite(text, whole, trace);
  },
  Sequence: (node) => inTurn(node, stepsOf(node, 'normalizers').map(createNormalizer)),
};

/** The normalizer of a tokenizer.json; none leaves texts as they are. */
export const normalizerOf = (root: JsonNode): Normalizer =>
  root.get('normalizer') === undefined ? (text) => text : createNormalizer(root.object('normalizer'));

function createNormalizer(node: JsonNode): Normalizer {
  return lookUp(normalizers, node, 'normalizer')(node);
}

/** Character by character, as Rust does it: a text as a whole would get a final sigma at the end of its words. */
export const lowercase = (text: string): string => text.replace(/Σ/g, 'σ').toLowerCase();

/** SentencePiece's rules for translation: no control characters, and a space for what leaves space or none, the replacement character too. */
const nmt = (text: string): string =>
  text
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what goes.
    .replace(/[\x01-\x08\x0b\x0e-\x1f\x7f\x8f\x9f]/g, '')
    .replace(/[\t\n\f\r\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd]/g, ' ');

const form =
  (name: Form): Normalizer =>
  (text) =>
    rewrite(text, normalForm(name), traceForm(name));

/** Unicode's white space; JavaScript's trim knows other characters. */
const strip =
  (left: boolean, right: boolean): Normalizer =>
  (text) => {
    const old = stringOf(text);
    const begin = left ? old.search(/\P{White_Space}|$/u) : 0;
    let end = old.length;
    while (right && end > begin && whiteSpace.test(old.charAt(end - 1))) end--;
    return slice(text, begin, end);
  };

const inTurn =
  (node: JsonNode, steps: readonly Normalizer[]): Normalizer =>
  (text) =>
    steps.reduce((value, step) => {
      const next = step(value);
      checkGrowth(node, stringOf(text).length, stringOf(next).length);
      return next;
    }, text);
