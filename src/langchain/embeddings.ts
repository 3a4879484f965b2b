/** Vectors of texts for LangChain's vector stores and retrievers. */
import { Embeddings, type EmbeddingsParams } from '@langchain/core/embeddings';
import { expectPipeline, type Loadable, loaded } from '../chat/loadable.js';
import { rowsIn } from '../pipelines/relevance.js';
import type { HostTensor } from '../tensor.js';

/** What `HeedEmbeddings` is made of. */
export interface HeedEmbeddingsFields extends EmbeddingsParams {
  /** A pipeline for feature-extraction, or a function that loads one at the first call. */
  pipeline: Loadable<'feature-extraction'>;
  /** Numbers of each vector that are kept. Default: all. */
  dimensions?: number;
}

/**
 * Vectors by an encoder. Queries and documents get the model's own prompts, where it has some.
 * @example
 * ```js
 * const embeddings = new HeedEmbeddings({ pipeline: () => pipeline('feature-extraction', 'sentence-transformers/all-MiniLM-L6-v2') });
 * const [cat, dog] = await embeddings.embedDocuments(['a cat', 'a dog']);
 * ```
 */
export class HeedEmbeddings extends Embeddings {
  readonly #load: () => Promise<unknown>;
  readonly #dimensions: number | undefined;

  /** Throws ARGUMENT for what is no pipeline. */
  constructor({ pipeline, dimensions, ...params }: HeedEmbeddingsFields) {
    super(params);
    this.#load = loaded(pipeline, 'pipeline');
    this.#dimensions = dimensions;
  }

  /** A vector for each document. Rejects with ARGUMENT, or UNSUPPORTED for a pipeline of another task. */
  embedDocuments(documents: string[]): Promise<number[][]> {
    return this.#embed('encode_document', documents);
  }

  /** The vector of a query. Rejects as `embedDocuments` does. */
  async embedQuery(query: string): Promise<number[]> {
    const [vector] = await this.#embed('encode_query', [query]);
    return vector as number[];
  }

  async #embed(how: 'encode_document' | 'encode_query', texts: string[]): Promise<number[][]> {
    const pipe = expectPipeline(await this.#load(), 'pipeline', ['feature-extraction']);
    const found = await pipe[how](texts, { truncate_dim: this.#dimensions });
    return rowsIn(found as HostTensor<Float32Array>).map((row) => Array.from(row));
  }
}
