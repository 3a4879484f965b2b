/** adapter_config.json, as PEFT writes it: what of it heed reads, and what it refuses, since a model without that would quietly be another one. */
import { HeedError } from '../errors.js';
import { quote } from '../io/header.js';
import { isObject, JsonNode, type JsonObject } from '../io/json.js';
import { numberIn, sizeIn } from './config.js';

/** What a LoRA adapter is like, by PEFT's names. */
export interface LoraConfig {
  /** The rank of what is added. Default 8. */
  r?: number | undefined;
  /** What is added is multiplied by lora_alpha / r. Default 8. */
  lora_alpha?: number | undefined;
  /** In training, the share of what an adapted module reads that is zeroed on its way to A. Default 0. */
  lora_dropout?: number | undefined;
  /** Whether it is multiplied by lora_alpha / √r instead (arXiv 2312.03732). Default false. */
  use_rslora?: boolean | undefined;
  /** Modules that are adapted, by how their names end; 'all-linear' is all but the scores of words. */
  target_modules?: string | readonly string[] | undefined;
}

/** The same, read. */
export interface Lora {
  rank: number;
  alpha: number;
  dropout: number;
  scale: number;
  targets: readonly string[] | 'all-linear' | undefined;
  /** As adapter_config.json says it. */
  json: JsonObject;
}

const isOff = (value: unknown): boolean =>
  value === false || (Array.isArray(value) && value.length === 0) || (isObject(value) && Object.keys(value).length === 0);

/** What would change a model in a way that heed does not. `runtime_config` and what tells of its making change nothing. */
const others = [
  ...['use_dora', 'use_qalora', 'use_bdlora', 'lora_bias', 'modules_to_save', 'rank_pattern', 'alpha_pattern', 'layer_replication'],
  ...['trainable_token_indices', 'alora_invocation_tokens', 'target_parameters', 'megatron_config', 'arrow_config', 'monteclora_config'],
];

/** Throws FORMAT for what is none, UNSUPPORTED for what heed does not have. */
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
  // These change what the weights of the model are.
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
