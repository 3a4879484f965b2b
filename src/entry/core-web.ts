/** heed/core in browsers, their workers, and wherever else fetch is: no architecture is registered. */
import { autos, bind, bindConfig, bindEstimate, bindRead, bindWrite, type Port, serveModels } from '../core.js';
import { webRuntime } from '../runtime/web.js';

export * from '../core.js';

const heed = bind(webRuntime, autos);
export const { createEngine, pipeline, AutoModel, AutoTokenizer } = heed;
export const AutoConfig = /* @__PURE__ */ bindConfig(webRuntime);
export const estimate = /* @__PURE__ */ bindEstimate(webRuntime);
export const readSafetensors = /* @__PURE__ */ bindRead(webRuntime);
export const writeSafetensors = /* @__PURE__ */ bindWrite(webRuntime);
/** In a worker of yours: carries out the models of a page that gave it as `worker`. Call it at the top of the worker's module. */
export const serve = (port?: Port): void => serveModels(heed, port);
