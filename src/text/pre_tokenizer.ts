/**
 * Pre-tokenizers: splits of a normalized text into the words that a model sees one by one, as tokenizer.json's
 * `pre_tokenizer` describes them. Each is a function from a text to its words, which are those of Hugging Face's Rust code, with
 * which models were trained.
 */
import { HeedError } from '../errors.js';
import type { JsonNode } from '../io/json.js';
import { type Behavior, behaviors, matches, prepend, replace, slice, split, stringOf, type Text } from './aligned.js';
import { bertWords } from './bert.js';
import { byteLevel } from './byte_level.js';
import { characterOf, checkGrowth, lengthOf, lookUp, patternOf, prependSchemeOf, stepsOf } from './parts.js';
import { scripts } from './scripts.js';
import { punctuation, wordCharacters } from './unicode.js';

/** `first` says of a string whether it stands at the very beginning of the text; an aligned one knows that itself. */
export type PreTokenizer = <T extends Text>(text: T, first: boolean) => readonly T[];

const preTokenizers: Readonly<Record<string, (node: JsonNode) => PreTokenizer>> = {
  BertPreTokenizer: () => bertWords,
  CharDelimiterSplit: (node) => splits(node, literal(characterOf(node, 'delimiter')), 'Removed'),
  // Rust's \w is Unicode's, JavaScript's ASCII.
  Whitespace: () => words(new RegExp(`[${wordCharacters}]+|[^${wordCharacters}\\p{White_Space}]+`, 'gu')),
  WhitespaceSplit: () => words(/\P{White_Space}+/gu),
  Punctuation: (node) => splits(node, new RegExp(`[${punctuation}]`, 'gu')),
  // Rust's digits are all numbers.
  Digits: (node) => words(node.boolean('individual_digits', false) ? /\P{N}+|\p{N}/gu : /\P{N}+|\p{N}+/gu),
  Metaspace: metaspace,
  ByteLevel: byteLevel,
  FixedLength: (node) => {
    const length = node.integer('length', Number.MAX_SAFE_INTEGER, 5);
    if (!length) throw node.error('must have a length above 0');
    return (text) => chunks(text, length);
  },
  Split: (node) => splits(node, patternOf(node), undefined, node.boolean('invert', false)),
  UnicodeScripts: unicodeScripts,
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

const splits = (node: JsonNode, pattern: RegExp, behavior = behaviorOf(node), inverted = false): PreTokenizer => {
  return (text) => split(text, pattern, behavior, inverted);
};

function behaviorOf(node: JsonNode): Behavior {
  const value = node.string('behavior', 'Isolated');
  const behavior = behaviors.find((name) => name === value);
  if (behavior) return behavior;
  throw new HeedError(
    'UNSUPPORTED',
    `${node.file}: ${node.path}.behavior is ${JSON.stringify(value.slice(0, 60))}; heed has ${behaviors.join(', ')}`,
    { culprit: node.path },
  );
}

const escaped = (character: string) => `\\u{${character.codePointAt(0)?.toString(16)}}`;
const literal = (character: string) => new RegExp(escaped(character), 'gu');

/** Spaces become a visible character, and every word begins with it. */
function metaspace(node: JsonNode): PreTokenizer {
  const mark = characterOf(node, 'replacement', '▁');
  const scheme = prependSchemeOf(node);
  const word = node.boolean('split', true) && new RegExp(`${escaped(mark)}?[^${escaped(mark)}]+|${escaped(mark)}`, 'gu');
  return (text, first) => {
    let marked = replace(text, / /g, mark);
    const prepends = scheme === 'always' || (scheme === 'first' && beginsText(text, first));
    if (prepends && !stringOf(marked).startsWith(mark)) marked = prepend(marked, mark);
    return word ? matches(marked, word) : [marked];
  };
}

const beginsText = (text: Text, first: boolean): boolean => (typeof text === 'string' ? first : text.begins[0] === 0);

function chunks<T extends Text>(text: T, length: number): T[] {
  const parts: T[] = [];
  let [begin, end, count] = [0, 0, 0];
  for (const character of stringOf(text)) {
    end += character.length;
    if (++count % length) continue;
    parts.push(slice(text, begin, end));
    begin = end;
  }
  if (begin < end) parts.push(slice(text, begin, end));
  return parts;
}

/** Cuts where the script changes. Once something has come before, a character of no script goes with what that was. */
function unicodeScripts(): PreTokenizer {
  const scriptOf = scripts();
  return <T extends Text>(text: T) => {
    const parts: T[] = [];
    let [begin, end] = [-1, 0];
    let last: string | undefined;
    for (const character of stringOf(text)) {
      const script = scriptOf(character);
      if (script !== undefined && script !== last) {
        if (begin >= 0) parts.push(slice(text, begin, end));
        begin = end;
        last = script;
      }
      end += character.length;
    }
    if (begin >= 0 && begin < end) parts.push(slice(text, begin, end));
    return parts;
  };
}

function inTurn(node: JsonNode, steps: readonly PreTokenizer[]): PreTokenizer {
  return <T extends Text>(text: T, first: boolean) => {
    let words: readonly T[] = [text];
    for (const step of steps) {
      words = words.flatMap((word, i) => step(word, first && i === 0));
      checkGrowth(node, stringOf(text).length, lengthOf(words));
    }
    return words;
  };
}

/** Returns `true` where a step needs the place of a word in the original text, which a changed string does not know. */
export function asksForOrigin(root: JsonNode): boolean {
  if (root.get('pre_tokenizer') === undefined) return false;
  const node = root.object('pre_tokenizer');
  const steps = node.get('type') === 'Sequence' ? stepsOf(node, 'pretokenizers') : [node];
  const before = root.get('normalizer') !== undefined || steps.length > 1;
  return before && steps.some((step) => step.get('type') === 'Metaspace' && prependSchemeOf(step) === 'first');
}
