/**
 * Vocabularies from before there was a tokenizer.json: vocab.txt has a piece of WordPiece in each line, vocab.json and
 * merges.txt are of byte-pair encoding. They become the model of a tokenizer.json; its class adds the rest.
 */
import type { TokenizerFiles } from './files.js';

/** A tokenizer.json with a model alone, and the file that it is from. */
export function fromVocabulary({ vocabTxt, vocabJson, mergesTxt }: TokenizerFiles): { name: string; value: unknown } {
  if (vocabTxt !== undefined) {
    const pieces = linesOf(vocabTxt);
    return {
      name: 'vocab.txt',
      value: { model: { type: 'WordPiece', vocab: Object.fromEntries(pieces.map((piece, id) => [piece.trimEnd(), id])) } },
    };
  }
  if (vocabJson === undefined || mergesTxt === undefined) return { name: 'tokenizer.json', value: undefined };
  const merges = linesOf(mergesTxt).filter((line) => line && !line.startsWith('#version'));
  return { name: 'vocab.json', value: { model: { type: 'BPE', vocab: vocabJson, merges } } };
}

function linesOf(text: string): string[] {
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  return lines;
}
