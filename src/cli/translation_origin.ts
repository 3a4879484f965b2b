/**
 * `heed train translation --from MODEL`: a run that begins with what a translator has learned instead of random numbers, to teach it more, or other, sentences. Sizes
 * and tokenizer are the translator's then; steps, rates and the optimizer's moments are the run's own.
 */
import type { Engine } from '../engine/engine.js';
import { HeedError } from '../errors.js';
import { folderAt } from '../io/folder.js';
import { readJson } from '../io/json.js';
import { heedTransformer } from '../models/heed_transformer.js';
import { loadPretrained } from '../models/pretrained.js';
import type { HostTensor } from '../tensor.js';
import { optionOf, type SettingName, type Settings } from './translation_recipe.js';

/** The settings that a translator's weights decide, by their names in its config.json. */
const sizes = {
  dModel: 'd_model',
  heads: 'num_heads',
  layers: 'encoder_layers',
  decoderLayers: 'decoder_layers',
  feedForward: 'ffn_dim',
} as const satisfies Partial<Record<SettingName, string>>;

export interface TranslationOrigin {
  /** Content of tokenizer.json. */
  tokenizer: unknown;
  /** What `--d-model` and the like would say. */
  sizes: Partial<Settings>;
  /** float32 weights by the model's keys. */
  state: Record<string, HostTensor>;
}

/**
 * Reads a translator's folder. Throws ARGUMENT for an option that contradicts it, UNSUPPORTED for a model that is not heed's own kind of translator, and what
 * the folder's files are found guilty of.
 */
export async function originOf(engine: Engine, model: string, given: Partial<Settings>): Promise<TranslationOrigin> {
  const { module, config } = await loadPretrained(engine, model, 'encoder-decoder', {}, { trainable: true });
  try {
    if (config.get('model_type') !== heedTransformer.name)
      throw new HeedError('UNSUPPORTED', `${model} has the model_type ${config.get('model_type')}`, {
        culprit: '--from',
        cure: `Give a folder that \`heed train translation\` made, whose model_type is ${heedTransformer.name}`,
      });
    const own: Partial<Settings> = Object.fromEntries(Object.entries(sizes).map(([name, key]) => [name, config.get(key)]));
    const vocabulary = module.dims.V;
    for (const [name, value] of Object.entries({ ...own, vocabulary }) as [SettingName, number][])
      if (given[name] !== undefined && given[name] !== value)
        throw new HeedError('ARGUMENT', `${optionOf(name)} is ${given[name]}, and ${model} has ${value}`, {
          culprit: optionOf(name),
          cure: 'Leave it out: with --from the sizes are those of the model',
        });
    const tokenizer = await readJson(folderAt(engine.runtime, model), 'tokenizer.json');
    return { tokenizer, sizes: { ...own, vocabulary }, state: module.stateDict() };
  } finally {
    module.dispose();
  }
}
