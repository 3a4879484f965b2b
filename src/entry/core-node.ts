/** heed/core on Node, Deno and Bun: no architecture is registered. */
import { autos, bind, bindConfig, bindEstimate, bindRead, bindWrite, type Port, serveModels } from '../core.js';
import { nodeRuntime } from '../runtime/node.js';

export * from '../core.js';

const heed = bind(nodeRuntime, autos);
export const { createEngine, pipeline, AutoModel, AutoTokenizer } = heed;
export const AutoConfig = /* @__PURE__ */ bindConfig(nodeRuntime);
export const estimate = /* @__PURE__ */ bindEstimate(nodeRuntime);
export const readSafetensors = /* @__PURE__ */ bindRead(nodeRuntime);
export const writeSafetensors = /* @__PURE__ */ bindWrite(nodeRuntime);
/** In a worker of yours: carries out the models of a page that gave it as `worker`. Call it at the top of the worker's module. */
export const serve = (port?: Port): void => serveModels(heed, port);
