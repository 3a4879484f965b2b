/**
 * heed/ai: models of this process for the AI SDK, as a provider of its newest interface.
 * @module heed/ai
 */
import type { ProviderV4 } from '@ai-sdk/provider';
import { type Loadable, loaded } from '../chat/loadable.js';
import { HeedError } from '../errors.js';
import { HeedEmbeddingModel } from './embedding.js';
import { HeedLanguageModel } from './language.js';
import { HeedRerankingModel } from './reranking.js';
import { HeedTranscriptionModel } from './transcription.js';

export type { Loadable } from '../chat/loadable.js';
export type { HeedEmbeddingModel, HeedEmbeddingOptions } from './embedding.js';
export type { HeedLanguageModel, HeedLanguageOptions } from './language.js';
export type { HeedRerankingModel } from './reranking.js';
export type { HeedTranscriptionModel, HeedTranscriptionOptions } from './transcription.js';

/** Tasks of the pipelines that the provider has models for. */
export type HeedTask = 'text-generation' | 'feature-extraction' | 'text-classification' | 'automatic-speech-recognition';

/** Models of this process, under the names of `createHeed`: `heed('chat')` is `heed.languageModel('chat')`. */
export interface HeedProvider<Name extends string = string> extends ProviderV4 {
  /** A language model, from a pipeline for text-generation. Throws ARGUMENT for a name that is not there. */
  (name: Name): HeedLanguageModel;
  /** A language model, from a pipeline for text-generation: generateText, streamText, agents. Throws ARGUMENT for a name that is not there. */
  languageModel(name: Name): HeedLanguageModel;
  /** A model of vectors, from a pipeline for feature-extraction: embed, embedMany. Throws ARGUMENT for a name that is not there. */
  embeddingModel(name: Name): HeedEmbeddingModel;
  /** A model that ranks documents, from a reranker's pipeline for text-classification, or an encoder's for feature-extraction. Throws ARGUMENT for a name that is not there. */
  rerankingModel(name: Name): HeedRerankingModel;
  /** A model that writes down what is said, from a pipeline for automatic-speech-recognition. Throws ARGUMENT for a name that is not there. */
  transcriptionModel(name: Name): HeedTranscriptionModel;
  /** Throws UNSUPPORTED: heed draws no pictures. */
  imageModel(name: string): never;
}

/**
 * Makes a provider of pipelines, by names of yours: each is loaded already, or a function that loads it at the first call. Pipelines stay yours: `dispose` of them. Throws ARGUMENT for what
 * is no pipeline.
 * @example
 * ```js
 * const local = createHeed({
 *   chat: () => pipeline('text-generation', 'HuggingFaceTB/SmolLM2-135M-Instruct'),
 *   embed: () => pipeline('feature-extraction', 'sentence-transformers/all-MiniLM-L6-v2'),
 * });
 * const { text } = await generateText({ model: local('chat'), prompt: 'Name a sea.', maxOutputTokens: 20 });
 * ```
 */
export function createHeed<const Models extends Readonly<Record<string, Loadable<HeedTask>>>>(
  models: Models,
): HeedProvider<Extract<keyof Models, string>> {
  const known = new Map(Object.entries(models ?? {}).map(([name, given]) => [name, loaded(given, name)]));
  const made =
    <Model>(kind: new (name: string, load: () => Promise<unknown>) => Model) =>
    (name: string): Model => {
      const load = known.get(name);
      if (load) return new kind(name, load);
      throw new HeedError('ARGUMENT', `There is no model ${JSON.stringify(name)}`, {
        culprit: 'name',
        cure: `createHeed was given ${[...known.keys()].join(', ') || 'none'}`,
      });
    };
  const languageModel = made(HeedLanguageModel);
  return Object.assign((name: string) => languageModel(name), {
    specificationVersion: 'v4' as const,
    languageModel,
    embeddingModel: made(HeedEmbeddingModel),
    rerankingModel: made(HeedRerankingModel),
    transcriptionModel: made(HeedTranscriptionModel),
    imageModel(): never {
      throw new HeedError('UNSUPPORTED', 'heed draws no pictures', { culprit: 'imageModel' });
    },
  });
}
