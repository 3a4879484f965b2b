/** heed on Node, Deno and Bun. */
import * as autos from '../autos.js';
import { bindEstimate, bindHost } from '../bind.js';
import { bindAll } from '../bind_all.js';
import { constrain } from '../generation/grammar/constrain.js';
import { registerResponseFormats } from '../generation/response_format.js';
import { bindConfig } from '../io/auto_config.js';
import { bindRead, bindWrite } from '../io/tensor_files.js';
import { nodeRuntime } from '../runtime/node.js';

export * from '../index.js';

const heed = bindAll(nodeRuntime);
registerResponseFormats(constrain);
export const { createEngine, pipeline, AutoTokenizer, env } = heed;
export const AutoModel = /* @__PURE__ */ heed.auto('AutoModel', autos.AutoModel);
export const AutoModelForCausalLM = /* @__PURE__ */ heed.auto('AutoModelForCausalLM', autos.AutoModelForCausalLM);
export const AutoModelForMaskedLM = /* @__PURE__ */ heed.auto('AutoModelForMaskedLM', autos.AutoModelForMaskedLM);
export const AutoModelForQuestionAnswering = /* @__PURE__ */ heed.auto(
  'AutoModelForQuestionAnswering',
  autos.AutoModelForQuestionAnswering,
);
export const AutoModelForSeq2SeqLM = /* @__PURE__ */ heed.auto('AutoModelForSeq2SeqLM', autos.AutoModelForSeq2SeqLM);
export const AutoModelForSequenceClassification = /* @__PURE__ */ heed.auto(
  'AutoModelForSequenceClassification',
  autos.AutoModelForSequenceClassification,
);
export const AutoModelForTokenClassification = /* @__PURE__ */ heed.auto(
  'AutoModelForTokenClassification',
  autos.AutoModelForTokenClassification,
);
export const AutoConfig = /* @__PURE__ */ bindConfig(nodeRuntime, heed.hub);
export const estimate = /* @__PURE__ */ bindEstimate(nodeRuntime, heed.hub);
export const readSafetensors = /* @__PURE__ */ bindRead(nodeRuntime);
export const writeSafetensors = /* @__PURE__ */ bindWrite(nodeRuntime);
/** In a worker of yours: loads and runs the models of a page that gave it as `worker`. Call it at the top of the worker's module. */
export const hostModels = /* @__PURE__ */ bindHost(heed, autos.all);
