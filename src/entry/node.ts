/** heed on Node, Deno and Bun. */
import { bindAll } from '../index.js';
import { nodeRuntime } from '../runtime/node.js';

export * from '../index.js';
export const { createEngine, pipeline, AutoModel, AutoTokenizer, serve } = bindAll(nodeRuntime);
