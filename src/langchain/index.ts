/**
 * heed/langchain: models of this process for LangChain.js, as its own classes.
 * @module heed/langchain
 */
export type { Loadable } from '../chat/loadable.js';
export { ChatHeed, type ChatHeedCallOptions, type ChatHeedFields, type ChatHeedSettings } from './chat.js';
export { HeedEmbeddings, type HeedEmbeddingsFields } from './embeddings.js';
