/** Documents by relevance for the AI SDK's rerank. */
import type { RerankingModelV4, RerankingModelV4CallOptions, RerankingModelV4Result } from '@ai-sdk/provider';
import { relevanceOf } from '../pipelines/relevance.js';
import { HeedModel } from './model.js';
import { ownOptions } from './own_options.js';

/** Model that ranks documents. */
export class HeedRerankingModel extends HeedModel implements RerankingModelV4 {
  /** Documents by their scores, the best first; objects are read as JSON. Rejects with UNSUPPORTED for a model that ranks nothing, or the signal's reason. */
  async doRerank({ documents, query, topN, abortSignal, providerOptions }: RerankingModelV4CallOptions): Promise<RerankingModelV4Result> {
    ownOptions(providerOptions, []);
    const pipe = await this.pipelineFor('text-classification', 'feature-extraction');
    const texts = documents.type === 'text' ? documents.values : documents.values.map((value) => JSON.stringify(value));
    const scores = texts.length ? await relevanceOf(pipe, query, texts, abortSignal) : [];
    const ranking = scores.map((relevanceScore, index) => ({ index, relevanceScore }));
    return { ranking: ranking.sort((a, b) => b.relevanceScore - a.relevanceScore).slice(0, topN) };
  }
}
