/** heed where neither files nor URLs can be had: the kernels come inside of the module, in base64. One thread. */
import { bindAll, type Port, serveModels } from '../index.js';
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
export const {
  createEngine,
  pipeline,
  AutoConfig,
  AutoModel,
  AutoModelForMaskedLM,
  AutoModelForQuestionAnswering,
  AutoModelForSeq2SeqLM,
  AutoModelForSequenceClassification,
  AutoModelForTokenClassification,
  AutoTokenizer,
  env,
  estimate,
  readSafetensors,
  writeSafetensors,
} = heed;
/** In a worker of yours: carries out the models of a page that gave it as `worker`. Call it at the top of the worker's module. */
export const serve = (port?: Port): void => serveModels(heed, port);
