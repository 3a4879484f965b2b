/** heed/core on workerd: no architecture is registered. */
import { autos, bind, bindConfig, bindEstimate, bindRead, bindWrite, type Port, serveModels } from '../core.js';
import { workerdRuntime } from '../runtime/workerd.js';

export * from '../core.js';

const heed = bind(workerdRuntime, autos);
export const { createEngine, pipeline, AutoModel, AutoTokenizer } = heed;
export const AutoConfig = /* @__PURE__ */ bindConfig(workerdRuntime);
export const estimate = /* @__PURE__ */ bindEstimate(workerdRuntime);
export const readSafetensors = /* @__PURE__ */ bindRead(workerdRuntime);
export const writeSafetensors = /* @__PURE__ */ bindWrite(workerdRuntime);
/** In a worker of yours: carries out the models of a page that gave it as `worker`. Call it at the top of the worker's module. */
export const serve = (port?: Port): void => serveModels(heed, port);
