/** AutoConfig: a model's config.json, without its weights. */
import { checkOptions } from '../errors.js';
import type { OpenOptions, Runtime } from '../runtime/types.js';
import { folderFor, type Hub, type ModelSource, type SourceOptions, sourceOptionNames } from './find.js';
import { JsonNode, type JsonObject, readJson } from './json.js';
import { checkListener, observed, type ProgressEvent } from './progress.js';

/** Options of `AutoConfig.from_pretrained`. */
export interface ConfigOptions extends SourceOptions, Pick<OpenOptions, 'signal'> {
  progress_callback?: ((progress: ProgressEvent) => void) | undefined;
}

export interface AutoConfig {
  /** Reads config.json as it is, with `is_encoder_decoder` false where it is absent. Throws NOT_FOUND, FORMAT, NETWORK, or `signal.reason`. */
  from_pretrained(model: ModelSource, options?: ConfigOptions): Promise<JsonObject>;
}

/** `AutoConfig` on a runtime. */
export const bindConfig = (runtime: Runtime, hub?: Hub): AutoConfig => ({
  async from_pretrained(model, options = {}) {
    checkOptions(options, ['signal', 'progress_callback', ...sourceOptionNames], 'from_pretrained');
    const { signal, progress_callback: listen, ...where } = options;
    checkListener(listen);
    const folder = await folderFor(runtime, model, { ...where, signal }, hub);
    const json = await readJson(listen ? observed(folder, listen, { weights: false }) : folder, 'config.json', { signal });
    return { is_encoder_decoder: false, ...JsonNode.of(folder.locate('config.json'), json).value };
  },
});
