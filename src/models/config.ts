/** Readers of config.json for architectures: valid sizes, shares and names that heed knows; anything else throws an error that quotes the file. */
import { HeedError } from '../errors.js';
import { quote } from '../io/header.js';
import { JsonNode } from '../io/json.js';
import type { Activation } from '../ops/activation.js';

/** transformers' names for activations (its ACT2FN); functions that differ only in rounding are one of heed's. */
const activations: Readonly<Record<string, Activation>> = {
  gelu: 'gelu',
  gelu_10: 'gelu10',
  gelu_accurate: 'geluTanh',
  gelu_fast: 'geluTanh',
  gelu_new: 'geluTanh',
  gelu_python: 'gelu',
  gelu_python_tanh: 'geluTanh',
  gelu_pytorch_tanh: 'geluTanh',
  hardswish: 'hardswish',
  laplace: 'laplace',
  leaky_relu: 'leakyRelu',
  linear: 'identity',
  mish: 'mish',
  quick_gelu: 'quickGelu',
  relu: 'relu',
  relu2: 'relu2',
  relu6: 'relu6',
  sigmoid: 'sigmoid',
  silu: 'silu',
  sqrtsoftplus: 'sqrtSoftplus',
  swish: 'silu',
  tanh: 'tanh',
};

/** Activations with parameters, or of more than one number. */
const parametric: readonly string[] = ['prelu', 'xielu'];

/** Activation that a config names under `key`, or `name`, where the caller derives it from the config. */
export function activationOf(config: JsonNode, key: string, name: string = config.string(key)): Activation {
  if (Object.hasOwn(activations, name)) return activations[name] as Activation;
  const why = parametric.includes(name) ? ', which has weights of its own' : '';
  throw new HeedError('UNSUPPORTED', `${config.file}: heed has no activation ${quote(name)}${why}`, {
    culprit: key,
    cure: `It has ${Object.keys(activations).join(', ')}`,
  });
}

/** Config with the keys that its architecture reads: `aliases` are general names for them, which take precedence where a config has both, as in transformers. */
export function byOwnKeys(config: JsonNode, aliases: Readonly<Record<string, string>> = {}): JsonNode {
  const found = Object.entries(aliases).filter(([alias]) => config.get(alias) !== undefined);
  if (found.length === 0) return config;
  const own = Object.fromEntries(found.map(([alias, key]) => [key, config.get(alias)]));
  return new JsonNode(config.file, config.path, { ...config.value, ...own });
}

/** The most layers that a config may have: each becomes modules before a weight is read. */
const MOST_LAYERS = 1024;

/** A size of a config, with or without a default, at least 1, and bounded, so that a false config cannot ask for unlimited memory. */
export function sizeIn(config: JsonNode, key: string, absent?: number, most = 1 << 24): number {
  const value = absent === undefined ? config.integer(key, most) : config.integer(key, most, absent);
  if (value === 0) throw config.error(`must have a ${key} above 0`);
  return value;
}

/** Number of layers of a config. */
export const layersIn = (config: JsonNode, key: string, absent?: number): number => sizeIn(config, key, absent, MOST_LAYERS);

/** Sizes that a config lists, `most` of them at most. */
export function sizesIn(config: JsonNode, key: string, absent: readonly number[], most = MOST_LAYERS): readonly number[] {
  const list = config.array(key, absent) as readonly unknown[];
  const isList = list.length >= 1 && list.length <= most;
  if (isList && list.every((n) => Number.isSafeInteger(n) && (n as number) >= 1 && (n as number) <= 1 << 16))
    return list as readonly number[];
  throw config.error(`must have a list of sizes for ${key}`);
}

/** Heads that share the channels. */
export function headsIn(config: JsonNode, key: string, absent: number | undefined, channels: number): number {
  const heads = sizeIn(config, key, absent);
  if (channels % heads === 0) return heads;
  throw config.error(`has ${channels} channels, which ${heads} heads cannot share`);
}

/** A number from 0 on that a config may give. */
export function numberIn(config: JsonNode, key: string, absent: number): number {
  const value = config.get(key) ?? absent;
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value;
  throw config.error(`must have a number from 0 on for ${key}`);
}

/** A probability that a config may give. */
export function probabilityIn(config: JsonNode, key: string, absent: number): number {
  const value = numberIn(config, key, absent);
  if (value <= 1) return value;
  throw config.error(`must have a number from 0 to 1 for ${key}`);
}

/** Error for a feature that a config asks for and heed does not have. */
export const unsupported = (config: JsonNode, key: string, what: string): HeedError =>
  new HeedError('UNSUPPORTED', `${config.file} asks for ${what}`, { culprit: key });

/** Meaning of the name that a config gives under a key; the first meaning where the config gives none. */
export function oneOf<T>(c: JsonNode, key: string, meanings: Readonly<Record<string, T>>): T {
  const given = c.string(key, Object.keys(meanings)[0]) as string;
  if (Object.hasOwn(meanings, given)) return meanings[given] as T;
  throw unsupported(c, key, `${quote(given)}, and heed has ${Object.keys(meanings).join(', ')}`);
}
