/** heed/core in browsers, their workers, and wherever else fetch is: no architecture is registered. */
import { bind } from '../core.js';
import { webRuntime } from '../runtime/web.js';

export * from '../core.js';
export const { createEngine, pipeline, AutoModel, AutoTokenizer, serve } = bind(webRuntime);
