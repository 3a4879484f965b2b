/** heed on workerd. */
import { bindAll, type Port, serveModels } from '../index.js';
import { workerdRuntime } from '../runtime/workerd.js';

export * from '../index.js';

const heed = bindAll(workerdRuntime);
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
