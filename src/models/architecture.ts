/**
 * An architecture is data: which numbers of a Hugging Face config mean which dimensions, which blocks it is made of, and what
 * its checkpoint calls the weights. `heed` registers every architecture; `heed/core` none, so that a small bundle adds its own.
 */
import { HeedError } from '../errors.js';
import { quote } from '../io/header.js';
import type { JsonNode } from '../io/json.js';
import type { Activation } from '../ops/activation.js';

/** C channels, L layers, H heads, F hidden, V vocabulary; positions and types are sizes of embedding tables (0: none). */
export interface EncoderDims {
  C: number;
  L: number;
  H: number;
  F: number;
  V: number;
  positions: number;
  types: number;
  eps: number;
}

export interface BlockChoices {
  place: 'pre' | 'post';
  activation: Activation;
}

export interface Architecture {
  /** config.json's model_type. */
  readonly name: string;
  readonly dims: (config: JsonNode) => EncoderDims;
  readonly block: (config: JsonNode) => BlockChoices;
  /**
   * heed's parameters -> the checkpoint's tensors, `{l}` being the layer. A list names the stacked parts of one parameter.
   * Where several checkpoints spell a name differently, `renamed` tells.
   */
  readonly weights: Readonly<Record<string, string | readonly string[]>>;
  /** What may stand before every name: task models hold the encoder under a prefix. */
  readonly prefixes: readonly string[];
  /** Old spelling -> new. */
  readonly renamed: readonly (readonly [RegExp, string])[];
  /** Tensors that a checkpoint may hold and this model does not use. */
  readonly ignored: readonly RegExp[];
  /** Modules that a checkpoint may lack, if it lacks all of one; what needs them is then left out. */
  readonly optional: readonly string[];
}

const registry = new Map<string, Architecture>();

/** Checks nothing and changes nothing: it gives the literal its type. */
export const defineArchitecture = (architecture: Architecture): Architecture => architecture;

/** Makes an architecture known to AutoModel and pipeline. */
export function registerArchitecture(...architectures: readonly Architecture[]): void {
  for (const architecture of architectures) {
    if (typeof architecture?.name !== 'string' || typeof architecture.dims !== 'function' || typeof architecture.block !== 'function')
      throw new HeedError('ARGUMENT', 'registerArchitecture needs a name, dims and block', {
        culprit: 'architecture',
        cure: 'Make one with defineArchitecture',
      });
    registry.set(architecture.name, architecture);
  }
}

/** The architecture that a config asks for. Throws UNSUPPORTED where none is registered under that name. */
export function architectureOf(config: JsonNode): Architecture {
  const name = config.string('model_type');
  const found = registry.get(name);
  if (found) return found;
  const known = [...registry.keys()].join(', ') || 'none';
  throw new HeedError('UNSUPPORTED', `${config.file}: heed has no architecture ${quote(name)}`, {
    culprit: 'model_type',
    cure: `Registered: ${known}`,
  });
}

/** Hugging Face's names for activations. */
const activations: Readonly<Record<string, Activation>> = {
  gelu: 'gelu',
  gelu_new: 'geluTanh',
  gelu_pytorch_tanh: 'geluTanh',
  quick_gelu: 'quickGelu',
  relu: 'relu',
  silu: 'silu',
  swish: 'silu',
};

/** The activation that a config names under `key`. */
export function activationOf(config: JsonNode, key: string): Activation {
  const name = config.string(key);
  if (Object.hasOwn(activations, name)) return activations[name] as Activation;
  throw new HeedError('UNSUPPORTED', `${config.file}: heed has no activation ${quote(name)}`, {
    culprit: key,
    cure: `It has ${Object.keys(activations).join(', ')}`,
  });
}

/** A size that a config must give, at least 1, and so bounded that a lying file cannot ask for the moon. */
export function sizeIn(config: JsonNode, key: string, most = 1 << 24): number {
  const value = config.integer(key, most);
  if (value === 0) throw config.error(`must have a ${key} above 0`);
  return value;
}

/** A number from 0 on that a config may give. */
export function numberIn(config: JsonNode, key: string, absent: number): number {
  const value = config.get(key) ?? absent;
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value;
  throw config.error(`must have a number from 0 on for ${key}`);
}

/** What a config asks for and heed does not have. */
export const unsupported = (config: JsonNode, key: string, what: string): HeedError =>
  new HeedError('UNSUPPORTED', `${config.file} asks for ${what}`, { culprit: key });

/** The most layers that a config may have: each becomes modules before a weight is read. */
export const MOST_LAYERS = 1024;
