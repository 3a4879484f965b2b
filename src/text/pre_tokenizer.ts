/**
 * Pre-tokenizers: how a normalized text is cut into the words that a model sees one by one, as tokenizer.json's
 * `pre_tokenizer` describes it. Each is a function from a text to its words, which are those of Hugging Face's Rust, with
 * which models were trained.
 */
import { HeedError } from '../errors.js';
import type { JsonNode } from '../io/json.js';
import { matches, prepend, replace, split, stringOf, type Text } from './aligned.js';
import { bertWords } from './bert.js';
import { byteLevel } from './byte_level.js';
import { checkGrowth, lengthOf, lookUp, patternOf, prependSchemeOf, stepsOf } from './parts.js';
import { punctuation, wordCharacters } from './unicode.js';

/** `first` is true for what stands at the very beginning of the text. */
export type PreTokenizer = <T extends Text>(text: T, first: boolean) => readonly T[];

const preTokenizers: Readonly<Record<string, (node: JsonNode) => PreTokenizer>> = {
  BertPreTokenizer: () => bertWords,
  // Rust's \w is Unicode's, JavaScript's ASCII.
  Whitespace: () => words(new RegExp(`[${wordCharacters}]+|[^${wordCharacters}\\p{White_Space}]+`, 'gu')),
  WhitespaceSplit: () => words(/\P{White_Space}+/gu),
  Punctuation: (node) => only(node, { behavior: 'Isolated' }) && words(new RegExp(`[^${punctuation}]+|[${punctuation}]`, 'gu')),
  // Rust's digits are all numbers.
  Digits: (node) => words(node.boolean('individual_digits', false) ? /\P{N}+|\p{N}/gu : /\P{N}+|\p{N}+/gu),
  Metaspace: metaspace,
  ByteLevel: byteLevel,
  Split: (node) => {
    const inverted = node.boolean('invert', false);
    only(node, inverted ? { behavior: 'Removed' } : { behavior: 'Isolated', or: 'Removed' });
    const pattern = patternOf(node);
    const keeps = node.string('behavior', 'Isolated') === 'Isolated';
    return inverted ? (text) => matches(text, pattern).filter((word) => stringOf(word)) : (text) => split(text, pattern, keeps);
  },
  Sequence: (node) => inTurn(node, stepsOf(node, 'pretokenizers').map(createPreTokenizer)),
};

/** The pre-tokenizer of a tokenizer.json; none makes a text one word. */
export const preTokenizerOf = (root: JsonNode): PreTokenizer =>
  root.get('pre_tokenizer') === undefined ? (text) => [text] : createPreTokenizer(root.object('pre_tokenizer'));

function createPreTokenizer(node: JsonNode): PreTokenizer {
  return lookUp(preTokenizers, node, 'pre-tokenizer')(node);
}

const words =
  (pattern: RegExp): PreTokenizer =>
  (text) =>
    matches(text, pattern);

function only(node: JsonNode, { behavior, or }: { behavior: string; or?: string }): true {
  const value = node.string('behavior', 'Isolated');
  if (value === behavior || value === or) return true;
  throw new HeedError('UNSUPPORTED', `${node.file}: ${node.path}.behavior is ${JSON.stringify(value.slice(0, 60))}; heed has ${behavior}`, {
    culprit: node.path,
  });
}

/** Spaces become a visible character, and every word begins with it. */
function metaspace(node: JsonNode): PreTokenizer {
  const mark = node.string('replacement', '▁');
  const scheme = prependSchemeOf(node);
  if (!/^.$/su.test(mark)) throw node.error('must have one character for its replacement');
  const escaped = `\\u{${mark.codePointAt(0)?.toString(16)}}`;
  const word = node.boolean('split', true) && new RegExp(`${escaped}?[^${escaped}]+|${escaped}`, 'gu');
  return (text, first) => {
    let marked = replace(text, / /g, mark);
    if (!stringOf(marked).startsWith(mark) && (scheme === 'always' || (scheme === 'first' && first))) marked = prepend(marked, mark);
    return word ? matches(marked, word) : [marked];
  };
}

function inTurn(node: JsonNode, steps: readonly PreTokenizer[]): PreTokenizer {
  return <T extends Text>(text: T, first: boolean) => {
    let words: readonly T[] = [text];
    let begins = first;
    for (const step of steps) {
      const head = stringOf(words[0] ?? '');
      words = words.flatMap((word, i) => step(word, begins && i === 0));
      checkGrowth(node, stringOf(text).length, lengthOf(words));
      // Once the white space before it is gone, a word no longer stands at the beginning.
      begins &&= head.startsWith(stringOf(words[0] ?? ''));
    }
    return words;
  };
}
