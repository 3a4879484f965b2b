/** The encoders of a model that has two, each for itself, under the names of their classes in transformers: what is not asked for is not loaded. */
import type { Engine } from '../engine/engine.js';
import type { Folder } from '../io/folder.js';
import type { HostTensor } from '../tensor.js';
import type { Side } from './choices.js';
import type { ModelInputs, PixelInputs } from './inputs.js';
import { type LoadedModel, loadEncoder, type ModelCall } from './model.js';
import { type TrainableOptions, trainableOptionNames } from './options.js';

/** What loads one side of a model that has two. */
const sideOf = <Inputs, Output>(name: Side, className: string) => ({
  optionNames: trainableOptionNames,
  load: async (engine: Engine, folder: string | Folder, options: TrainableOptions = {}) =>
    (await loadEncoder(engine, folder, options, { side: { name, className } })) as unknown as LoadedModel & ModelCall<Output, Inputs>,
});

/** What one encoder of two gives, float32: states, and its vectors under their name. */
export type SideOutput<Name extends string> = { [Key in 'last_hidden_state' | Name]: HostTensor };

export const ClipTextModel = /* @__PURE__ */ sideOf<ModelInputs, SideOutput<'text_embeds'>>('text', 'CLIPTextModelWithProjection');
export const ClipVisionModel = /* @__PURE__ */ sideOf<PixelInputs, SideOutput<'image_embeds'>>('image', 'CLIPVisionModelWithProjection');
export const SiglipText = /* @__PURE__ */ sideOf<ModelInputs, SideOutput<'pooler_output'>>('text', 'SiglipTextModel');
export const SiglipVision = /* @__PURE__ */ sideOf<PixelInputs, SideOutput<'pooler_output'>>('image', 'SiglipVisionModel');
