/**
 * BERT's normalizer and pre-tokenizer, character for character as in Hugging Face's Rust code, with which BERT's
 * descendants were trained: by the Unicode version of that time (unicode.ts), whatever the runtime's is.
 */
import type { JsonNode } from '../io/json.js';
import { matches, rewrite, rewriteEach, stringOf, type Text } from './aligned.js';
import { traceForm } from './normal_forms.js';
import { controls, ideograph, marks, punctuation, undecomposed, whiteSpace } from './unicode.js';

/** Number of characters whose normal form is cached. More than any one language uses. */
const CACHE = 1 << 14;

export function bertNormalizer(node: JsonNode): <T extends Text>(text: T) => T {
  const lowercase = node.boolean('lowercase', true);
  const clean = node.boolean('clean_text', true);
  const apart = node.boolean('handle_chinese_chars', true);
  const strip = node.boolean('strip_accents', lowercase);

  const cleaned = (character: string): string => {
    if (clean && controls.test(character)) return '';
    if (clean && whiteSpace.test(character)) return ' ';
    return apart && ideograph.test(character) ? ` ${character} ` : character;
  };
  const decomposed = (form: string): string => (strip && !undecomposed.test(form) ? form.normalize('NFD') : form);
  const folded = (form: string): string => {
    const bare = strip ? form.replace(marks, '') : form;
    return lowercase ? bare.toLowerCase() : bare;
  };

  // One character at a time is exact: only the order of marks that survive the stripping could depend on their neighbours.
  const cache = new Map<string, string>();
  const keptForm = (character: string): string => {
    let form = cache.get(character);
    if (form === undefined) {
      form = folded(decomposed(cleaned(character)));
      if (cache.size === CACHE) cache.clear();
      cache.set(character, form);
    }
    return form;
  };
  const whole = (text: string): string => {
    const normalized = text.replace(/[^ -~]/gu, keptForm);
    // Text that is lower case already stays unchanged.
    return lowercase ? normalized.toLowerCase() : normalized;
  };
  // Alignment, unlike the result, depends on the order of marks.
  const trace = traceForm('NFD');
  return (text) =>
    typeof text === 'string' || !strip || undecomposed.test(stringOf(text))
      ? rewriteEach(text, whole, keptForm)
      : rewriteEach(rewrite(rewriteEach(text, cleaned), decomposed, trace), folded);
}

const anyWords = new RegExp(`[^\\p{White_Space}${punctuation}]+|[${punctuation}]`, 'gu');
const asciiWords = /[0-9A-Za-z]+|[!-/:-@[-`{-~]/g;

/** Words between white space, and every punctuation mark a word of its own. */
export const bertWords = <T extends Text>(text: T): readonly T[] => matches(text, /^[ -~]*$/.test(stringOf(text)) ? asciiWords : anyWords);
