/** heed where neither files nor URLs can be had: the kernels come inside of the module, in base64. One thread. */
import * as autos from '../autos.js';
import { bindEstimate, bindHost } from '../bind.js';
import { bindAll } from '../bind_all.js';
import { bindConfig } from '../io/auto_config.js';
import { bindRead, bindWrite } from '../io/tensor_files.js';
import type { Binary, Runtime } from '../runtime/types.js';
import { webBase } from '../runtime/web-base.js';
import { wasm } from './inline-wasm.js';

const decode = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

const noThreads = () => 'heed/inline has no worker file, and so no threads';

const inlineRuntime: Runtime = {
  ...webBase,
  name: 'inline',
  noThreads,
  loadModule: (binary: Binary) => WebAssembly.compile(decode(wasm[binary])),
  startWorker: () => {
    throw new Error(noThreads());
  },
};

export * from '../index.js';

const heed = bindAll(inlineRuntime);
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
export const AutoConfig = /* @__PURE__ */ bindConfig(inlineRuntime, heed.hub);
export const estimate = /* @__PURE__ */ bindEstimate(inlineRuntime, heed.hub);
export const readSafetensors = /* @__PURE__ */ bindRead(inlineRuntime);
export const writeSafetensors = /* @__PURE__ */ bindWrite(inlineRuntime);
/** In a worker of yours: loads and runs the models of a page that gave it as `worker`. Call it at the top of the worker's module. */
export const hostModels = /* @__PURE__ */ bindHost(heed, autos.all);
