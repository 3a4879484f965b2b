/** Vectors of texts for the AI SDK's embed and embedMany. */
import type { EmbeddingModelV4, EmbeddingModelV4CallOptions, EmbeddingModelV4Result } from '@ai-sdk/provider';
import { rowsIn } from '../pipelines/relevance.js';
import { tokensOf } from '../pipelines/text.js';
import type { HostTensor } from '../tensor.js';
import { HeedModel } from './model.js';
import { ownOptions } from './own_options.js';

/** Options of a call under `providerOptions.heed`. */
export type HeedEmbeddingOptions = {
  /** One of the model's own prompts, by name: 'query', 'document'. */
  prompt_name?: string;
  /** Text in front of each text. */
  prompt?: string;
};

/** Model of vectors. */
export class HeedEmbeddingModel extends HeedModel implements EmbeddingModelV4 {
  /** `undefined`: texts of a call are batched by heed, however many there are. */
  readonly maxEmbeddingsPerCall = undefined;
  /** `false`: one call keeps the engine busy. */
  readonly supportsParallelCalls = false;

  /** Vectors of texts. Rejects with ARGUMENT, UNSUPPORTED for a pipeline of another task, or the signal's reason. */
  async doEmbed({ values, dimensions, abortSignal, providerOptions }: EmbeddingModelV4CallOptions): Promise<EmbeddingModelV4Result> {
    const own = ownOptions<HeedEmbeddingOptions>(providerOptions, ['prompt_name', 'prompt']);
    const pipe = await this.pipelineFor('feature-extraction');
    const found = await pipe.encode(values, { ...own, truncate_dim: dimensions, signal: abortSignal });
    const embeddings = rowsIn(found as HostTensor<Float32Array>).map((row) => Array.from(row));
    return { embeddings, usage: { tokens: await tokensOf(pipe, values, abortSignal) }, warnings: [] };
  }
}
