/**
 * Models: how a word becomes the ids of its pieces, as tokenizer.json's `model` describes it. WordPiece is heed's own;
 * BPE and Unigram are @huggingface/tokenizers', wrapped here so that what they do not check is checked.
 */
import { BPE, Unigram } from '@huggingface/tokenizers';
import { HeedError } from '../errors.js';
import type { JsonNode } from '../io/json.js';
import { lookUp } from './parts.js';
import { idIn, type Model } from './vocabulary.js';
import { WordPiece } from './wordpiece.js';

const models: Readonly<Record<string, (node: JsonNode) => Model>> = {
  WordPiece: (node) => new WordPiece(node),
  BPE: bpe,
  Unigram: unigram,
};

/** The model of a tokenizer.json. Old ones do not name its type. */
export function modelOf(root: JsonNode): Model {
  const model = root.object('model');
  if (model.get('type') !== undefined) return lookUp(models, model, 'tokenizer model')(model);
  if (model.get('merges') !== undefined) return bpe(model);
  return Array.isArray(model.get('vocab')) ? unigram(model) : new WordPiece(model);
}

function bpe(node: JsonNode): Model {
  const vocabulary = node.object('vocab');
  for (const token of Object.keys(vocabulary.value)) idIn(vocabulary, token);
  for (const merge of node.array('merges')) {
    const [a, b, ...more] = typeof merge === 'string' ? merge.split(' ') : Array.isArray(merge) ? merge : [];
    if (typeof a !== 'string' || typeof b !== 'string' || more.length) throw node.error('has a merge that is not of two tokens');
  }
  // The library does not know either.
  for (const key of ['continuing_subword_prefix', 'dropout'])
    if (node.get(key)) throw new HeedError('UNSUPPORTED', `${node.file}: heed has no ${key} in BPE`, { culprit: `${node.path}.${key}` });
  const model = new BPE(node.value);
  return fromLibrary(model, (word) => model.encode([word]), node);
}

function unigram(node: JsonNode): Model {
  const vocabulary = node.array('vocab');
  for (const entry of vocabulary)
    if (!Array.isArray(entry) || typeof entry[0] !== 'string' || typeof entry[1] !== 'number')
      throw node.error('has an entry that is not a token and its score');
  node.integer('unk_id', vocabulary.length - 1);
  const model = new Unigram(node.value, '');
  return fromLibrary(model, (word) => model.tokenize(word), node);
}

/** Fuses unknown pieces of a word here: the library does it across words, and in quadratic time. */
function fromLibrary(model: BPE | Unigram, pieces: (word: string) => readonly string[], node: JsonNode): Model {
  const { tokens_to_ids: ids, unk_token_id: unknown, fuse_unk: fuses } = model;
  return {
    encode(words, into) {
      for (const word of words) {
        let before: number | undefined;
        for (const piece of pieces(word)) {
          const id = ids.get(piece) ?? unknown;
          if (id === undefined) throw node.error('has neither a piece of the text nor an unk_token');
          if (!(fuses && id === unknown && before === unknown)) into.push(id);
          before = id;
        }
      }
    },
    idOf: (token) => ids.get(token),
    tokenOf: (id) => model.vocab[id],
  };
}
