/** AutoFeatureExtractor: a model's preprocessor_config.json as what makes features of sound. */
import { checkOptions } from '../errors.js';
import { folderFor, type Hub, type ModelSource, type SourceOptions, sourceOptionNames } from '../io/find.js';
import type { OpenOptions, Runtime } from '../runtime/types.js';
import { AudioFeatureExtractor, type CallableAudioFeatureExtractor } from './feature_extractor.js';

/** Options of `AutoFeatureExtractor.from_pretrained`. */
export interface FeatureExtractorOptions extends SourceOptions, Pick<OpenOptions, 'signal'> {}

/** Loader of feature extractors. */
export interface AutoFeatureExtractor {
  /** Reads a model's preprocessor_config.json. Rejects with NOT_FOUND, FORMAT, UNSUPPORTED for a class that heed does not have, NETWORK, or `signal.reason`. */
  from_pretrained(model: ModelSource, options?: FeatureExtractorOptions): Promise<CallableAudioFeatureExtractor>;
}

/** `AutoFeatureExtractor` on a runtime. */
export const bindFeatureExtractor = (runtime: Runtime, hub?: Hub): AutoFeatureExtractor => ({
  async from_pretrained(model, options = {}) {
    checkOptions(options, ['signal', ...sourceOptionNames], 'from_pretrained');
    const { signal, ...where } = options;
    return AudioFeatureExtractor.load(runtime, await folderFor(runtime, model, { ...where, signal }, hub), { signal });
  },
});
