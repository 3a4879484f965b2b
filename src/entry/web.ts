/** heed in browsers, their workers, and wherever else fetch is. */
import { bindAll } from '../index.js';
import { webRuntime } from '../runtime/web.js';

export * from '../index.js';
export const { createEngine, pipeline, AutoModel, AutoTokenizer } = bindAll(webRuntime);
