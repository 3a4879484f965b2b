/** Scores of documents for a query, by whichever model there is: a reranker, which reads both together, or an encoder, whose vectors are compared. */
import type { HostTensor } from '../tensor.js';
import type { FeatureExtractor } from './feature_extraction.js';
import { similarity } from './similarity.js';
import type { TextClassification } from './text_classification.js';

/** A model that scores documents. */
export type Ranker = TextClassification | FeatureExtractor;

/** Rows of vectors [B, C]. */
export function rowsIn({ data, dims }: HostTensor<Float32Array>): Float32Array[] {
  const [B, C] = dims as [number, number];
  return Array.from({ length: B }, (_, b) => data.subarray(b * C, (b + 1) * C));
}

/** A score for each document, in the order of the documents. Rejects with UNSUPPORTED for a classifier of several labels, or `signal.reason`. */
export async function relevanceOf(
  pipe: Ranker,
  query: string,
  documents: readonly string[],
  signal?: AbortSignal,
): Promise<readonly number[]> {
  if ('rank' in pipe) {
    const scores: number[] = [];
    for (const { corpus_id, score } of await pipe.rank(query, documents, { signal })) scores[corpus_id] = score;
    return scores;
  }
  const asked = (await pipe.encode_query([query], { signal })) as HostTensor<Float32Array>;
  const known = (await pipe.encode_document(documents, { signal })) as HostTensor<Float32Array>;
  return similarity(rowsIn(asked), rowsIn(known), pipe.sentence.similarity_fn_name)[0] as readonly number[];
}
