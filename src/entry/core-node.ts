/** heed/core on Node, Deno and Bun: no architecture is registered. */
import { bind } from '../core.js';
import { nodeRuntime } from '../runtime/node.js';

export * from '../core.js';
export const { createEngine, pipeline, AutoModel, AutoTokenizer, serve } = bind(nodeRuntime);
