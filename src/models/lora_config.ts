/** adapter_config.json, as PEFT writes it: the settings that heed reads, and those that it refuses, since ignoring them would silently give another model. */
import { HeedError } from '../errors.js';
import { quote } from '../io/header.js';
import { isObject, JsonNode, type JsonObject } from '../io/json.js';
import { numberIn, sizeIn } from './config.js';

/** Settings of a LoRA adapter, under PEFT's names. */
export interface LoraConfig {
  /** Rank of the adapter's matrices. Default 8. */
  r?: number | undefined;
  /** Numerator of the adapter's factor lora_alpha / r. Default 8. */
  lora_alpha?: number | undefined;
  /** Dropout of the input of A in training, as a share. Default 0. */
  lora_dropout?: number | undefined;
  /** `true`: the factor is lora_alpha / √r (arXiv 2312.03732). Default false. */
  use_rslora?: boolean | undefined;
  /** Modules to adapt, by the ends of their names; 'all-linear' is all but the scores of words. */
  target_modules?: string | readonly string[] | undefined;
}

/** What a new adapter may be told: the options above, and what configurations of PEFT have beside them, of which there is one kind. */
export const loraOptionNames: readonly string[] = [
  ...['r', 'lora_alpha', 'lora_dropout', 'use_rslora', 'target_modules'],
  ...['peft_type', 'task_type', 'bias'],
];

/** The same, read. */
export interface Lora {
  rank: number;
  alpha: number;
  dropout: number;
  scale: number;
  targets: readonly string[] | 'all-linear' | undefined;
  /** Settings as adapter_config.json has them. */
  json: JsonObject;
}

const isOff = (value: unknown): boolean =>
  value === false || (Array.isArray(value) && value.length === 0) || (isObject(value) && Object.keys(value).length === 0);

/** Settings that change a model in a way that heed does not have. `runtime_config` and settings that only describe how an adapter was made change nothing. */
const others = [
  ...['use_dora', 'use_qalora', 'use_bdlora', 'lora_bias', 'modules_to_save', 'rank_pattern', 'alpha_pattern', 'layer_replication'],
  ...['trainable_token_indices', 'alora_invocation_tokens', 'target_parameters', 'megatron_config', 'arrow_config', 'monteclora_config'],
];

/** Throws FORMAT for a value that is no config, UNSUPPORTED for settings that heed does not have. */
export function readLora(file: string, value: unknown): Lora {
  const c = JsonNode.of(file, value);
  const refuse = (key: string, what: unknown) => {
    throw new HeedError('UNSUPPORTED', `${c.file}: heed has no ${quote(`${key}: ${JSON.stringify(what)}`)}`, {
      culprit: key,
      cure: 'It has plain LoRA, of the same rank for all modules',
    });
  };
  const kind = c.string('peft_type', 'LORA');
  if (kind !== 'LORA') refuse('peft_type', kind);
  const bias = c.string('bias', 'none');
  if (bias !== 'none') refuse('bias', bias);
  for (const key of others) if (c.get(key) !== undefined && !isOff(c.get(key))) refuse(key, c.get(key));
  const begins = c.get('init_lora_weights') ?? true;
  // These initialisations change the weights of the model.
  if (typeof begins === 'string' && /pissa|olora|corda|loftq/i.test(begins)) refuse('init_lora_weights', begins);
  const rank = sizeIn(c, 'r', 8);
  const alpha = numberIn(c, 'lora_alpha', 8);
  const dropout = numberIn(c, 'lora_dropout', 0);
  const named = c.get('target_modules');
  const isList = Array.isArray(named) && named.every((name) => typeof name === 'string');
  if (named !== undefined && !isList && typeof named !== 'string') throw c.error('has target_modules that are no names');
  return {
    ...{ rank, alpha, dropout, scale: alpha / (c.boolean('use_rslora', false) ? Math.sqrt(rank) : rank), json: c.value },
    targets: isList ? (named as string[]) : named === 'all-linear' ? named : typeof named === 'string' ? [named] : undefined,
  };
}
