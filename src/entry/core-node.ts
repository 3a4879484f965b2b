/** heed/core on Node, Deno and Bun: no architecture is registered. */
import { bindFeatureExtractor } from '../audio/auto.js';
import { bindReadAudio } from '../audio/read.js';
import { bindTasks, bindTokenizer } from '../bind.js';
import { bindEstimate, bindHost, bindModels } from '../bind_models.js';
import { bindConfig } from '../io/auto_config.js';
import { bindRead, bindWrite } from '../io/tensor_files.js';
import { EncoderModel } from '../models/model.js';
import { nodeRuntime } from '../runtime/node.js';

export * from '../core.js';

const heed = /* @__PURE__ */ bindModels(nodeRuntime);
export const { createEngine } = heed;
export const pipeline = /* @__PURE__ */ bindTasks(heed);
export const AutoTokenizer = /* @__PURE__ */ bindTokenizer(heed);
export const AutoModel = /* @__PURE__ */ heed.auto('AutoModel', EncoderModel);
export const AutoConfig = /* @__PURE__ */ bindConfig(nodeRuntime);
export const AutoFeatureExtractor = /* @__PURE__ */ bindFeatureExtractor(nodeRuntime);
export const read_audio = /* @__PURE__ */ bindReadAudio(nodeRuntime);
export const estimate = /* @__PURE__ */ bindEstimate(nodeRuntime);
export const readSafetensors = /* @__PURE__ */ bindRead(nodeRuntime);
export const writeSafetensors = /* @__PURE__ */ bindWrite(nodeRuntime);
/** In a worker of yours: loads and runs the models of a page that gave it as `worker`. Call it at the top of the worker's module. */
export const hostModels = /* @__PURE__ */ bindHost(heed, () => ({ AutoModel: EncoderModel }), pipeline);
