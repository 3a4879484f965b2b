/** What is needed by models that read no texts. Nobody imports this entry: it has the build put what they have no use for into chunks of its own, which bundles leave out. */
export { bindEstimate, bindHost, bindModels } from '../bind_models.js';
export { EncoderModel } from '../models/model.js';
export * from '../models/vision_models.js';
export * from '../runtime/fetch.js';
