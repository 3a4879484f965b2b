/** heed/core on workerd: no architecture is registered. */
import { bind } from '../core.js';
import { workerdRuntime } from '../runtime/workerd.js';

export * from '../core.js';
export const { createEngine, pipeline, AutoModel, AutoTokenizer, serve } = bind(workerdRuntime);
