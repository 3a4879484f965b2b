/**
 * heed/core: heed without architectures and tasks; a program registers those that it needs, so that a bundle has no others.
 * @module heed/core
 */
import { bindFeatureExtractor } from '../audio/auto.js';
import { bindReadAudio } from '../audio/read.js';
import { bindTasks, bindTokenizer } from '../bind.js';
import { bindEstimate, bindHost, bindModels } from '../bind_models.js';
import { bindConfig } from '../io/auto_config.js';
import { bindRead, bindWrite } from '../io/tensor_files.js';
import { EncoderModel } from '../models/model.js';
import { webRuntime } from '../runtime/web.js';

export * from '../core.js';

const heed = /* @__PURE__ */ bindModels(webRuntime);
export const {
  /** Starts an engine: the kernels, their memory and their threads. Models that are given none share one that starts by itself. */
  createEngine,
} = heed;
/**
 * Loads a model and its tokenizer for a task that is registered: 'feature-extraction' is, `registerTask` registers others. Rejects with UNSUPPORTED for a task or
 * architecture that is not.
 * @example
 * ```js
 * registerArchitecture(bert);
 * const embed = await pipeline('feature-extraction', 'sentence-transformers/all-MiniLM-L6-v2');
 * ```
 */
export const pipeline = /* @__PURE__ */ bindTasks(heed);
/** Reads the tokenizer that a model brings along: of sentence encoders, and of all others after `registerTokenizers(moreTokenizers)`. */
export const AutoTokenizer = /* @__PURE__ */ bindTokenizer(heed);
/** Loads an encoder of a registered architecture: token ids [B, T] to `last_hidden_state` [B, T, C]. */
export const AutoModel = /* @__PURE__ */ heed.auto('AutoModel', EncoderModel);
/** Reads a model's config.json, without its weights. */
export const AutoConfig = /* @__PURE__ */ bindConfig(webRuntime);
/** Loads what makes features of sound for a model. */
export const AutoFeatureExtractor = /* @__PURE__ */ bindFeatureExtractor(webRuntime);
/** Reads sound from anywhere, as one channel of float32 samples at a rate. */
export const read_audio = /* @__PURE__ */ bindReadAudio(webRuntime);
/** Estimate of a model's cost before it is loaded: bytes to fetch, memory of weights and of a forward. */
export const estimate = /* @__PURE__ */ bindEstimate(webRuntime);
/** Reads the tensors of a safetensors file, of an index of shards, of a folder or of bytes, by their names; half precision is widened to float32. */
export const readSafetensors = /* @__PURE__ */ bindRead(webRuntime);
/** Writes tensors, by their names, into a safetensors file, or into shards and their index; without a file it gives the bytes. */
export const writeSafetensors = /* @__PURE__ */ bindWrite(webRuntime);
/** In a worker of yours: loads and runs the models of a page that gave it as `worker`. Call it at the top of the worker's module. */
export const hostModels = /* @__PURE__ */ bindHost(heed, () => ({ AutoModel: EncoderModel }), pipeline);
