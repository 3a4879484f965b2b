/**
 * Pre-tokenizers: how a normalized text is cut into the words that a model sees one by one, as tokenizer.json's
 * `pre_tokenizer` describes it. Each is a function from a text to its words. Patterns and byte-level words are
 * @huggingface/tokenizers'; where that differs from Hugging Face's Rust, which models were trained with, the reason is given.
 */
import { ByteLevelPreTokenizer, SplitPreTokenizer } from '@huggingface/tokenizers';
import { HeedError } from '../errors.js';
import type { JsonNode } from '../io/json.js';
import { bertWords } from './bert.js';
import { checkGrowth, checkPattern, lengthOf, lookUp, prependSchemeOf, stepsOf } from './parts.js';
import { punctuation, wordCharacters } from './unicode.js';

/** `first` is true for what stands at the very beginning of the text. */
export type PreTokenizer = (text: string, first: boolean) => readonly string[];

const preTokenizers: Readonly<Record<string, (node: JsonNode) => PreTokenizer>> = {
  BertPreTokenizer: () => bertWords,
  // The library's \w is ASCII, Rust's Unicode.
  Whitespace: () => matches(new RegExp(`[${wordCharacters}]+|[^${wordCharacters}\\p{White_Space}]+`, 'gu')),
  WhitespaceSplit: () => matches(/\P{White_Space}+/gu),
  // The library keeps neighbouring marks together.
  Punctuation: (node) => only(node, { behavior: 'Isolated' }) && matches(new RegExp(`[^${punctuation}]+|[${punctuation}]`, 'gu')),
  // The library's digits are ASCII, Rust's all numbers.
  Digits: (node) => matches(node.boolean('individual_digits', false) ? /\P{N}+|\p{N}/gu : /\P{N}+|\p{N}+/gu),
  Metaspace: metaspace,
  ByteLevel: (node) => fromLibrary(ByteLevelPreTokenizer, node),
  // The library takes every other behaviour for Isolated.
  Split: (node) => {
    checkPattern(node);
    only(node, node.boolean('invert', false) ? { behavior: 'Removed' } : { behavior: 'Isolated', or: 'Removed' });
    return fromLibrary(SplitPreTokenizer, node);
  },
  Sequence: (node) => inTurn(node, stepsOf(node, 'pretokenizers').map(createPreTokenizer)),
};

/** The pre-tokenizer of a tokenizer.json; none makes a text one word. */
export const preTokenizerOf = (root: JsonNode): PreTokenizer =>
  root.get('pre_tokenizer') === undefined ? (text) => [text] : createPreTokenizer(root.object('pre_tokenizer'));

function createPreTokenizer(node: JsonNode): PreTokenizer {
  return lookUp(preTokenizers, node, 'pre-tokenizer')(node);
}

const matches =
  (pattern: RegExp): PreTokenizer =>
  (text) =>
    text.match(pattern) ?? [];

function only(node: JsonNode, { behavior, or }: { behavior: string; or?: string }): true {
  const value = node.string('behavior', 'Isolated');
  if (value === behavior || value === or) return true;
  throw new HeedError('UNSUPPORTED', `${node.file}: ${node.path}.behavior is ${JSON.stringify(value.slice(0, 60))}; heed has ${behavior}`, {
    culprit: node.path,
  });
}

function fromLibrary(Class: typeof ByteLevelPreTokenizer | typeof SplitPreTokenizer, node: JsonNode): PreTokenizer {
  const part = new Class(node.value);
  return (text) => part.pre_tokenize_text(text);
}

/** Spaces become a visible character, and every word begins with it. The library does not cut at it. */
function metaspace(node: JsonNode): PreTokenizer {
  const mark = node.string('replacement', '▁');
  const scheme = prependSchemeOf(node);
  const cut = node.boolean('split', true);
  return (text, first) => {
    let words = text.replaceAll(' ', mark);
    if (!words.startsWith(mark) && (scheme === 'always' || (scheme === 'first' && first))) words = mark + words;
    if (!cut) return [words];
    const [head, ...rest] = words.split(mark);
    return [...(head ? [head] : []), ...rest.map((word) => mark + word)];
  };
}

function inTurn(node: JsonNode, steps: readonly PreTokenizer[]): PreTokenizer {
  return (text, first) => {
    let words: readonly string[] = [text];
    let begins = first;
    for (const step of steps) {
      const head = words[0] ?? '';
      words = words.flatMap((word, i) => step(word, begins && i === 0));
      checkGrowth(node, text.length, lengthOf(words));
      // Once the white space before it is gone, a word no longer stands at the beginning.
      begins &&= head.startsWith(words[0] ?? '');
    }
    return words;
  };
}
