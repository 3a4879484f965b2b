/** heed on Node, Deno and Bun. */
import { bindFeatureExtractor } from '../audio/auto.js';
import { bindMicrophone } from '../audio/microphone.js';
import { bindReadAudio } from '../audio/read.js';
import * as autos from '../autos.js';
import { bindAll } from '../bind_all.js';
import { bindEstimate, bindHost } from '../bind_models.js';
import { constrain } from '../generation/grammar/constrain.js';
import { registerResponseFormats } from '../generation/response_format.js';
import { bindImageProcessor } from '../image/auto.js';
import { bindConfig } from '../io/auto_config.js';
import { bindRead, bindWrite } from '../io/tensor_files.js';
import { bindProcessor } from '../processor.js';
import { nodeRuntime } from '../runtime/node.js';

export * from '../index.js';

const heed = bindAll(nodeRuntime);
// A name of its own: what reads a member would stay in bundles that do not use it.
const { hub } = heed;
registerResponseFormats(constrain);
export const { createEngine, pipeline, AutoTokenizer, env } = heed;
export const AutoModel = /* @__PURE__ */ heed.auto('AutoModel', autos.AutoModel);
export const AutoModelForCausalLM = /* @__PURE__ */ heed.auto('AutoModelForCausalLM', autos.AutoModelForCausalLM);
export const AutoModelForDepthEstimation = /* @__PURE__ */ heed.auto('AutoModelForDepthEstimation', autos.AutoModelForDepthEstimation);
export const AutoModelForImageClassification = /* @__PURE__ */ heed.auto(
  'AutoModelForImageClassification',
  autos.AutoModelForImageClassification,
);
export const AutoModelForImageToImage = /* @__PURE__ */ heed.auto('AutoModelForImageToImage', autos.AutoModelForImageToImage);
export const AutoModelForObjectDetection = /* @__PURE__ */ heed.auto('AutoModelForObjectDetection', autos.AutoModelForObjectDetection);
export const AutoModelForCTC = /* @__PURE__ */ heed.auto('AutoModelForCTC', autos.AutoModelForCTC);
export const AutoModelForMaskedLM = /* @__PURE__ */ heed.auto('AutoModelForMaskedLM', autos.AutoModelForMaskedLM);
export const AutoModelForQuestionAnswering = /* @__PURE__ */ heed.auto(
  'AutoModelForQuestionAnswering',
  autos.AutoModelForQuestionAnswering,
);
export const AutoModelForSemanticSegmentation = /* @__PURE__ */ heed.auto(
  'AutoModelForSemanticSegmentation',
  autos.AutoModelForSemanticSegmentation,
);
export const AutoModelForSeq2SeqLM = /* @__PURE__ */ heed.auto('AutoModelForSeq2SeqLM', autos.AutoModelForSeq2SeqLM);
export const AutoModelForSpeechSeq2Seq = /* @__PURE__ */ heed.auto('AutoModelForSpeechSeq2Seq', autos.AutoModelForSpeechSeq2Seq);
export const AutoModelForSequenceClassification = /* @__PURE__ */ heed.auto(
  'AutoModelForSequenceClassification',
  autos.AutoModelForSequenceClassification,
);
export const AutoModelForTokenClassification = /* @__PURE__ */ heed.auto(
  'AutoModelForTokenClassification',
  autos.AutoModelForTokenClassification,
);
export const CLIPTextModelWithProjection = /* @__PURE__ */ heed.auto('CLIPTextModelWithProjection', autos.CLIPTextModelWithProjection);
export const CLIPVisionModelWithProjection = /* @__PURE__ */ heed.auto(
  'CLIPVisionModelWithProjection',
  autos.CLIPVisionModelWithProjection,
);
export const SiglipTextModel = /* @__PURE__ */ heed.auto('SiglipTextModel', autos.SiglipTextModel);
export const SiglipVisionModel = /* @__PURE__ */ heed.auto('SiglipVisionModel', autos.SiglipVisionModel);
export const AutoConfig = /* @__PURE__ */ bindConfig(nodeRuntime, hub);
export const AutoImageProcessor = /* @__PURE__ */ bindImageProcessor(nodeRuntime, hub);
export const AutoFeatureExtractor = /* @__PURE__ */ bindFeatureExtractor(nodeRuntime, hub);
export const AutoProcessor = /* @__PURE__ */ bindProcessor(nodeRuntime, hub);
export const read_audio = /* @__PURE__ */ bindReadAudio(nodeRuntime);
export const microphone = /* @__PURE__ */ bindMicrophone();
export const estimate = /* @__PURE__ */ bindEstimate(nodeRuntime, hub);
export const readSafetensors = /* @__PURE__ */ bindRead(nodeRuntime);
export const writeSafetensors = /* @__PURE__ */ bindWrite(nodeRuntime);
/** Loads and runs the models of a page, in a worker of yours that the page gave as `worker`. Call it at the top of the worker's module. */
export const hostModels = /* @__PURE__ */ bindHost(heed, autos.all);
