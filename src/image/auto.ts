/** AutoImageProcessor: the image processor that a model brings along. */
import { checkOptions } from '../errors.js';
import { folderFor, type Hub, type ModelSource, type SourceOptions, sourceOptionNames } from '../io/find.js';
import type { OpenOptions, Runtime } from '../runtime/types.js';
import { type CallableImageProcessor, ImageProcessor } from './processor.js';

/** Options of `AutoImageProcessor.from_pretrained`. */
export interface ImageProcessorOptions extends SourceOptions, Pick<OpenOptions, 'signal'> {}

export interface AutoImageProcessor {
  /** Reads preprocessor_config.json. Rejects with NOT_FOUND, FORMAT, UNSUPPORTED for another kind of processor, NETWORK, or `signal.reason`. */
  from_pretrained(model: ModelSource, options?: ImageProcessorOptions): Promise<CallableImageProcessor>;
}

/** `AutoImageProcessor` on a runtime. */
export const bindImageProcessor = (runtime: Runtime, hub?: Hub): AutoImageProcessor => ({
  async from_pretrained(model, options = {}) {
    checkOptions(options, ['signal', ...sourceOptionNames], 'from_pretrained');
    const { signal, ...where } = options;
    return ImageProcessor.load(await folderFor(runtime, model, { ...where, signal }, hub), { signal });
  },
});
