/** heed in browsers, their workers, and wherever else fetch is. */
import { bindAll } from '../index.js';
import { pageRuntime } from '../runtime/web-page.js';

export * from '../index.js';
export const { createEngine, pipeline, AutoModel, AutoTokenizer, serve } = bindAll(pageRuntime);
