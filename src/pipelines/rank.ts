/** Documents ranked by relevance to a query, which a model scores by reading both together: sentence-transformers' `CrossEncoder.rank`. */
import { checkOptions, HeedError } from '../errors.js';
import { quote } from '../io/header.js';
import { isObject, type JsonObject } from '../io/json.js';
import { expectBooleans } from '../ops/check.js';
import { type RunOptions, runOptionNames } from './rows.js';
import type { Scoring } from './scores.js';
import { type Classifier, classified, type TextInput } from './sequence_classifier.js';
import { checkCount, stringsOf } from './text.js';

/** Options of `rank`. */
export interface RankOptions extends RunOptions {
  /** Number of documents, the best first; null for all. Default: all. */
  top_k?: number | null | undefined;
  /** `true` to return each document with its text. Default false. */
  return_documents?: boolean | undefined;
  /** Tokens after which a query and a document are cut. Default: the tokenizer's, or the model's positions. */
  max_length?: number | undefined;
  /** Function of the model's score. Default: the function of the model's folder, else 'sigmoid'. */
  function_to_apply?: Scoring | undefined;
}

/** A document, and its score. */
export interface RankedDocument {
  /** Index of the document in the given list. */
  corpus_id: number;
  /** Relevance of the document: from 0 to 1 with 'sigmoid'. */
  score: number;
  /** The document, where `return_documents` asks for it. */
  text?: string;
}

const optionNames = ['top_k', 'return_documents', 'max_length', 'function_to_apply', ...runOptionNames];

/** Documents by their scores, by a classifier of one label and its tokenizer. */
export async function rankedBy(
  model: Classifier,
  tokenizerOf: Parameters<typeof classified>[1],
  query: string,
  documents: readonly string[],
  options: RankOptions,
): Promise<RankedDocument[]> {
  checkOptions(options, optionNames, 'rank');
  const { top_k, return_documents = false, function_to_apply = scoringIn(model.config), ...rest } = options;
  if (top_k !== undefined && top_k !== null) checkCount('rank', 'top_k', top_k);
  expectBooleans('rank', { return_documents });
  const { labels } = model;
  if (labels.length !== 1)
    throw new HeedError('UNSUPPORTED', `rank: the model tells ${labels.length} classes apart`, {
      culprit: 'model',
      cure: 'Give a reranker, which has one score; or classify { text, text_pair }',
    });
  const [text] = stringsOf('rank', 'query', [query]);
  const list = stringsOf('rank', 'documents', documents);
  const pairs = list.map((text_pair): TextInput => ({ text: text as string, text_pair }));
  const found = await classified(model, tokenizerOf, pairs, { ...rest, function_to_apply });
  const scored = found.map(([one], corpus_id): RankedDocument => {
    const score = one?.score as number;
    return return_documents ? { corpus_id, score, text: list[corpus_id] as string } : { corpus_id, score };
  });
  return scored.sort((a, b) => b.score - a.score).slice(0, top_k ?? undefined);
}

const activations: Readonly<Record<string, Scoring>> = { Identity: 'none', Sigmoid: 'sigmoid' };

/** Scoring function that sentence-transformers wrote into config.json, in either spelling. */
function scoringIn({ sentence_transformers: own, sbert_ce_default_activation_function: old }: JsonObject): Scoring {
  const path = (isObject(own) ? own.activation_fn : undefined) ?? old ?? undefined;
  if (path === undefined) return 'sigmoid';
  const name = String(path).split('.').at(-1) as string;
  if (Object.hasOwn(activations, name)) return activations[name] as Scoring;
  throw new HeedError('UNSUPPORTED', `config.json asks for ${quote(String(path))} of scores`, {
    culprit: 'activation_fn',
    cure: 'Say function_to_apply',
  });
}
