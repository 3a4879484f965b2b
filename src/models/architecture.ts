/**
 * An architecture is data: which numbers of a Hugging Face config mean which dimensions, which blocks it is made of, and what
 * its checkpoint calls the weights. `heed` registers every architecture; `heed/core` none, so that a small bundle adds its own.
 */
import type { Engine } from '../engine/engine.js';
import { HeedError } from '../errors.js';
import { quote } from '../io/header.js';
import type { JsonNode } from '../io/json.js';
import type { Module } from '../nn/module.js';
import type { SinusoidLayout } from '../nn/positions.js';
import type { NormKind } from '../nn/transformer.js';
import type { Activation } from '../ops/activation.js';
import type { Head } from './heads.js';

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
  /** In training, the share that is zeroed of embeddings and of sublayers' outputs. Default 0. */
  dropout?: number;
  /** The same of attention weights, and of what the activation gives. Default as `dropout`. */
  attentionDropout?: number;
  activationDropout?: number;
}

/** L layers of H heads with D channels each, F hidden. */
export interface StackDims {
  L: number;
  H: number;
  D: number;
  F: number;
}

/** C channels; V rows of the targets' embedding, sourceV of the sources'. */
export interface EncoderDecoderDims {
  C: number;
  V: number;
  sourceV: number;
  encoder: StackDims;
  decoder: StackDims;
  /** The most tokens that a row may have; Infinity where positions do not end. */
  positions: number;
  eps: number;
}

/** How positions come in: see src/nn/positions.ts. Sinusoids are added, in one of two layouts; a table of vectors is, behind `offset` unused rows; a bias goes to the scores. */
export type PositionChoice =
  | { kind: 'sinusoidal'; layout: SinusoidLayout }
  | { kind: 'learned'; offset: number }
  | { kind: 'relative'; buckets: number; maxDistance: number };

export interface EncoderDecoderChoices extends BlockChoices {
  positions: PositionChoice;
  /** The token for padding, whose embedding gets no gradient where it is looked up. */
  padding: number;
  /** Whether sources and targets have one embedding. */
  shared: boolean;
  /** Whether the targets' embedding scores the output too; else there is an lm_head. */
  tied: boolean;
  /** Embeddings are multiplied by it. Default 1. */
  embeddingScale?: number;
  /** A norm behind the embeddings. Default false. */
  embeddingNorm?: boolean;
  /** A norm behind each stack. Default false. */
  finalNorm?: boolean;
  /** What the last states are multiplied by before they are scored. Default 1. */
  logitsScale?: number;
  /** A number for each token that is added to its score. Default false. */
  logitsBias?: boolean;
  norm?: NormKind;
  gated?: boolean;
  bias?: boolean;
  attentionScale?: number;
}

/** What a checkpoint's header tells before anything is made. */
export interface CheckpointSummary {
  tensors: number;
  has(name: string): boolean;
}

/** heed's parameters -> a checkpoint's tensors, `{l}` being the layer. A list names the stacked parts of one parameter. */
export type Names = Readonly<Record<string, string | readonly string[]>>;

/** A class of modules that architectures are made into, out of dimensions and choices among blocks. */
export interface ModuleClass<Dims, Block, M extends Module = Module> {
  new (engine: Engine, dims: Dims, block: Block, head?: Head): M;
  /** Names what can be done with it, and so who loads it. */
  readonly kind: ArchitectureKind;
  /** Layers, each of which has tensors of its own in a checkpoint. */
  layers(dims: Dims): number;
}

/** Kinds of architectures, and who loads them. */
export const loaders = { encoder: 'AutoModel', 'encoder-decoder': 'AutoModelForSeq2SeqLM' } as const;
export type ArchitectureKind = keyof typeof loaders;

export interface Architecture<Dims = unknown, Block = unknown> {
  /** config.json's model_type. */
  readonly name: string;
  /** What it is made into: Encoder, EncoderDecoder. A bundle has those alone that its architectures name. */
  readonly module: ModuleClass<Dims, Block>;
  readonly dims: (config: JsonNode) => Dims;
  readonly block: (config: JsonNode, checkpoint: CheckpointSummary) => Block;
  /** What checkpoints call the weights, or how to find out. Without it they have heed's own names. Where several spell a name differently, `renamed` tells. */
  readonly weights?: Names | ((config: JsonNode) => Names);
  /** What may stand before every name: task models hold the encoder under a prefix. */
  readonly prefixes?: readonly string[];
  /** Old spelling -> new. */
  readonly renamed?: readonly (readonly [RegExp, string])[];
  /** Tensors that a checkpoint may hold and this model does not use: other tasks' heads, and copies of what is tied. */
  readonly ignored?: readonly RegExp[];
  /** Modules that a checkpoint may lack, if it lacks all of one; what needs them is then left out. */
  readonly optional?: readonly string[];
  /** What tasks put on an encoder, by the names of heads.ts. */
  readonly heads?: Readonly<Partial<Record<Task, HeadDesign>>>;
}

/** How the parameters of a head begin. */
export const HEAD = 'head.';

/** How those begin that stand beside what Hugging Face calls the base model, and so outside of its prefix. */
const beside = [HEAD, 'lm_head.', 'final_logits_bias'];
export const isBeside = (key: string): boolean => beside.some((start) => key.startsWith(start));

/** What can be put on an encoder, by Hugging Face's names: AutoModelFor… */
export type Task = 'SequenceClassification' | 'MaskedLM';

export interface HeadChoices {
  /** Default 0. */
  dropout?: number;
  /** Default 'gelu'. */
  activation?: Activation;
}

export interface HeadDesign {
  /** What Hugging Face calls the whole, in config.json's `architectures`. */
  readonly model: string;
  readonly choices: (config: JsonNode) => HeadChoices;
  /** As `weights`; heed's parameters begin with HEAD. */
  readonly weights: Readonly<Record<string, string>>;
}

/** An architecture of whatever dimensions and choices. */
export type AnyArchitecture = Omit<Architecture, 'module'> & { readonly module: { readonly kind: ArchitectureKind } };

const registry = new Map<string, Architecture>();

/** Checks nothing and changes nothing: it gives the literal its type. */
export const defineArchitecture = <Dims, Block>(architecture: Architecture<Dims, Block>): Architecture<Dims, Block> => architecture;

/** Makes architectures known to AutoModel…, and pipeline. */
export function registerArchitecture(...architectures: readonly AnyArchitecture[]): void {
  for (const architecture of architectures) {
    const { name, module, dims, block } = Object(architecture) as Partial<AnyArchitecture>;
    const known = Object.hasOwn(loaders, String(Object(module).kind));
    if (typeof name !== 'string' || !known || typeof dims !== 'function' || typeof block !== 'function')
      throw new HeedError('ARGUMENT', 'registerArchitecture needs a name, a module, dims and block', {
        culprit: 'architecture',
        cure: 'Make one with defineArchitecture',
      });
    registry.set(name, architecture as Architecture);
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

/** The activation that a config names under `key`, or `name`, which follows from what it says there. */
export function activationOf(config: JsonNode, key: string, name: string = config.string(key)): Activation {
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

/** Heads that share the channels. */
export function headsIn(config: JsonNode, key: string, channels: string): number {
  const [heads, width] = [sizeIn(config, key), sizeIn(config, channels)];
  if (width % heads === 0) return heads;
  throw config.error(`has a ${channels} of ${width}, which ${heads} heads cannot share`);
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

/** An architecture with what a task puts on it. A model that is to be trained may begin without a head. */
export function withHead(architecture: Architecture, task: Task, trainable: boolean): Architecture {
  const { name, heads, optional = [], ignored = [] } = architecture;
  const head = heads?.[task];
  if (!head)
    throw new HeedError('UNSUPPORTED', `heed's ${name} has no head for ${task}`, {
      culprit: 'model_type',
      cure: `It has ${Object.keys(heads ?? {}).join(', ') || 'none'}`,
    });
  return {
    ...architecture,
    weights: (config) => ({ ...namesOf(architecture, config), ...head.weights }),
    optional: trainable ? [...optional, HEAD] : [],
    // Where the head does without.
    ignored: [...ignored, /^pooler\./],
  };
}

/** What checkpoints of this config call the weights, where they have names of their own. */
export const namesOf = ({ weights }: Architecture, config: JsonNode): Names | undefined =>
  typeof weights === 'function' ? weights(config) : weights;

/** An architecture whose names are known. */
export type Spelt = Omit<Architecture, 'weights'> & { readonly weights: Names | undefined };

/** What a config asks for and heed does not have. */
export const unsupported = (config: JsonNode, key: string, what: string): HeedError =>
  new HeedError('UNSUPPORTED', `${config.file} asks for ${what}`, { culprit: key });

/** The most layers that a config may have: each becomes modules before a weight is read. */
export const MOST_LAYERS = 1024;
