/** heed on workerd. */
import { bindAll } from '../index.js';
import { workerdRuntime } from '../runtime/workerd.js';

export * from '../index.js';
export const { createEngine, pipeline, AutoModel, AutoTokenizer, serve } = bindAll(workerdRuntime);
