/** AutoModelForMaskedLM: an encoder that says of every place which token stands there. */
import type { Engine } from '../engine/engine.js';
import type { Folder } from '../io/folder.js';
import type { HostTensor } from '../tensor.js';
import { callable } from './callable.js';
import type { EncoderOutputs } from './encoder.js';
import { MaskedLM as MaskedLMHead } from './heads.js';
import {
  type CallOptions,
  checkPretrained,
  EncoderBase,
  type Insights,
  type ModelInputs,
  type TrainableOptions,
  trainableOptionNames,
} from './model.js';
import { loadPretrained, type Purpose } from './pretrained.js';

export interface MaskedLMOutput extends Insights {
  /** [B, T, V] */
  logits: HostTensor;
}

const head: Purpose['head'] = { task: 'MaskedLM', make: (engine, dims, choices) => new MaskedLMHead(engine, dims, choices) };

/** A model in a worker has no `engine` and no `encoder` here. */
export type MaskedLM = MaskedLMModel & ((inputs: ModelInputs, options?: CallOptions) => Promise<MaskedLMOutput>);

export class MaskedLMModel extends EncoderBase<MaskedLMOutput> {
  static readonly optionNames = trainableOptionNames;

  protected get wants() {
    return {};
  }

  /** Loads a folder's config.json and weights. Throws MODEL_MISMATCH for a checkpoint without the head, unless it is to be trained. */
  static async load(engine: Engine, folder: string | Folder, options: TrainableOptions = {}): Promise<MaskedLM> {
    checkPretrained(options, trainableOptionNames);
    const { trainable } = options;
    const { config, module, origin } = await loadPretrained(engine, folder, 'encoder', options, { head, trainable });
    return callable(new MaskedLMModel(engine, config.value, module, origin), ['run', 'save_pretrained']);
  }

  protected read({ logits }: EncoderOutputs): MaskedLMOutput {
    return { logits: (logits as NonNullable<typeof logits>).toHost() };
  }
}
