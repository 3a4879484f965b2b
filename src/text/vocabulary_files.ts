/**
 * Vocabularies from before tokenizer.json: vocab.txt has a piece of WordPiece in each line, vocab.json and
 * merges.txt are of byte-pair encoding, vocab.json alone has letters of speech. They become the model of a tokenizer.json; the tokenizer's class adds the rest.
 */
import type { TokenizerFiles } from './files.js';

/** A tokenizer.json with a model alone, and the name of its source file. */
export function fromVocabulary({ vocabTxt, vocabJson, mergesTxt }: TokenizerFiles): { name: string; value: unknown } {
  if (vocabTxt !== undefined) {
    const pieces = linesOf(vocabTxt);
    return {
      name: 'vocab.txt',
      value: { model: { type: 'WordPiece', vocab: Object.fromEntries(pieces.map((piece, id) => [piece.trimEnd(), id])) } },
    };
  }
  if (vocabJson === undefined) return { name: 'tokenizer.json', value: undefined };
  if (mergesTxt === undefined) return { name: 'vocab.json', value: { model: { type: 'WordLevel', vocab: vocabJson } } };
  const merges = linesOf(mergesTxt).filter((line) => line && !line.startsWith('#version'));
  return { name: 'vocab.json', value: { model: { type: 'BPE', vocab: vocabJson, merges } } };
}

function linesOf(text: string): string[] {
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  return lines;
}
