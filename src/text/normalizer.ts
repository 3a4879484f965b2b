/**
 * Normalizers: what happens to a text before it is cut into words, as tokenizer.json's `normalizer` describes it. Each is
 * a function from text to text. Simple ones are here, BERT's has a file of its own, and the involved ones are
 * @huggingface/tokenizers'; where that differs from Hugging Face's Rust, which models were trained with, the reason is given.
 */
import { PrecompiledNormalizer, ReplaceNormalizer } from '@huggingface/tokenizers';
import type { JsonNode } from '../io/json.js';
import { bertNormalizer } from './bert.js';
import { checkGrowth, checkPattern, lookUp, stepsOf } from './parts.js';

export type Normalizer = (text: string) => string;

const normalizers: Readonly<Record<string, (node: JsonNode) => Normalizer>> = {
  BertNormalizer: bertNormalizer,
  Lowercase: () => lowercase,
  NFC: () => inPieces((text) => text.normalize('NFC')),
  NFD: () => inPieces((text) => text.normalize('NFD')),
  NFKC: () => inPieces((text) => text.normalize('NFKC')),
  NFKD: () => inPieces((text) => text.normalize('NFKD')),
  // Every mark, where BERT's stripping takes those without width.
  StripAccents: () => (text) => text.replace(/\p{M}/gu, ''),
  Strip: (node) => strip(node.boolean('strip_left', true), node.boolean('strip_right', true)),
  // The library makes something of nothing.
  Prepend: (node) => prepend(node.string('prepend')),
  Replace: (node) => fromLibrary(ReplaceNormalizer, node),
  Precompiled: (node) => inPieces(fromLibrary(PrecompiledNormalizer, node)),
  Sequence: (node) => inTurn(node, stepsOf(node, 'normalizers').map(createNormalizer)),
};

/** The normalizer of a tokenizer.json; none leaves texts as they are. */
export const normalizerOf = (root: JsonNode): Normalizer =>
  root.get('normalizer') === undefined ? (text) => text : createNormalizer(root.object('normalizer'));

function createNormalizer(node: JsonNode): Normalizer {
  return lookUp(normalizers, node, 'normalizer')(node);
}

function fromLibrary(Class: typeof ReplaceNormalizer | typeof PrecompiledNormalizer, node: JsonNode): Normalizer {
  if (Class === ReplaceNormalizer) checkPattern(node);
  const part = new Class(node.value);
  return (text) => part.normalize(text);
}

/** Character by character, as Rust does it: a text as a whole would get a final sigma at the end of its words. */
export const lowercase: Normalizer = (text) => text.replace(/Σ/g, 'σ').toLowerCase();

const prepend =
  (prefix: string): Normalizer =>
  (text) =>
    text && prefix + text;

const strip =
  (left: boolean, right: boolean): Normalizer =>
  (text) => {
    const begun = left ? text.trimStart() : text;
    return right ? begun.trimEnd() : begun;
  };

const inTurn =
  (node: JsonNode, steps: readonly Normalizer[]): Normalizer =>
  (text) =>
    steps.reduce((value, step) => {
      const next = step(value);
      checkGrowth(node, text.length, next.length);
      return next;
    }, text);

/** Engines sort a run of combining marks in quadratic time: 100,000 of them take 5 s. No language has 64 in a row, so runs end there. */
const inPieces =
  (step: Normalizer): Normalizer =>
  (text) =>
    text
      .split(/(\p{M}{64})/u)
      .map(step)
      .join('');
