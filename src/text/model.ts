/** Models: from a word to the ids of its pieces, as tokenizer.json's `model` describes it. */
import type { JsonNode } from '../io/json.js';
import { Bpe } from './bpe.js';
import { lookUp } from './parts.js';
import { Unigram } from './unigram.js';
import type { Model } from './vocabulary.js';
import { WordLevel } from './wordlevel.js';
import { WordPiece } from './wordpiece.js';

const models: Readonly<Record<string, new (node: JsonNode) => Model>> = { WordPiece, BPE: Bpe, Unigram, WordLevel };

/** The model of a tokenizer.json. Old ones do not name its type. */
export function modelOf(root: JsonNode): Model {
  const model = root.object('model');
  if (model.get('type') !== undefined) return new (lookUp(models, model, 'tokenizer model'))(model);
  if (model.get('merges') !== undefined) return new Bpe(model);
  return Array.isArray(model.get('vocab')) ? new Unigram(model) : new WordPiece(model);
}
