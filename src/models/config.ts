/** What architectures read in a config.json: sizes that can be sizes, shares that can be shares, names that heed knows; else an error that says what the file says. */
import { HeedError } from '../errors.js';
import { quote } from '../io/header.js';
import { JsonNode } from '../io/json.js';
import type { Activation } from '../ops/activation.js';

/** transformers' names for activations (its ACT2FN): what is the same function but for rounding is one of heed's. */
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

/** Those that are more than a function of one number. */
const parametric: readonly string[] = ['prelu', 'xielu'];

/** The activation that a config names under `key`, or `name`, which follows from what it says there. */
export function activationOf(config: JsonNode, key: string, name: string = config.string(key)): Activation {
  if (Object.hasOwn(activations, name)) return activations[name] as Activation;
  const why = parametric.includes(name) ? ', which has weights of its own' : '';
  throw new HeedError('UNSUPPORTED', `${config.file}: heed has no activation ${quote(name)}${why}`, {
    culprit: key,
    cure: `It has ${Object.keys(activations).join(', ')}`,
  });
}

/** A config by the keys that its architecture reads: `aliases` gives those for other names, which prevail where a config has both, as in transformers. */
export function byOwnKeys(config: JsonNode, aliases: Readonly<Record<string, string>> = {}): JsonNode {
  const found = Object.entries(aliases).filter(([alias]) => config.get(alias) !== undefined);
  if (found.length === 0) return config;
  const own = Object.fromEntries(found.map(([alias, key]) => [key, config.get(alias)]));
  return new JsonNode(config.file, config.path, { ...config.value, ...own });
}

/** The most layers that a config may have: each becomes modules before a weight is read. */
const MOST_LAYERS = 1024;

/** A size that a config must give, or may leave out, at least 1, and so bounded that a lying file cannot ask for the moon. */
export function sizeIn(config: JsonNode, key: string, absent?: number, most = 1 << 24): number {
  const value = absent === undefined ? config.integer(key, most) : config.integer(key, most, absent);
  if (value === 0) throw config.error(`must have a ${key} above 0`);
  return value;
}

/** How many layers a config has. */
export const layersIn = (config: JsonNode, key: string, absent?: number): number => sizeIn(config, key, absent, MOST_LAYERS);

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

/** What a config asks for and heed does not have. */
export const unsupported = (config: JsonNode, key: string, what: string): HeedError =>
  new HeedError('UNSUPPORTED', `${config.file} asks for ${what}`, { culprit: key });

/** What a name stands for that a config may give; the first of them where it gives none. */
export function oneOf<T>(c: JsonNode, key: string, meanings: Readonly<Record<string, T>>): T {
  const given = c.string(key, Object.keys(meanings)[0]) as string;
  if (Object.hasOwn(meanings, given)) return meanings[given] as T;
  throw unsupported(c, key, `${quote(given)}, and heed has ${Object.keys(meanings).join(', ')}`);
}
