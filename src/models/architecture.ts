/**
 * An architecture is data: which members of a Hugging Face config are which dimensions, which blocks a model has, and the names
 * of its weights in checkpoints. `heed` registers every architecture; `heed/core` none, so that a small bundle adds only its own.
 */
import type { Engine } from '../engine/engine.js';
import { HeedError } from '../errors.js';
import { quote } from '../io/header.js';
import type { JsonNode, JsonObject } from '../io/json.js';
import type { Module } from '../nn/module.js';
import type { EncoderChoices, EncoderDims, ImageChoices, ImageDims, Side } from './choices.js';
import type { GgufKeys } from './gguf_keys.js';
import { HEAD, type HeadDesign, type HeadNames, headNames, type Task } from './head_design.js';
import { nameOf } from './names.js';

export type {
  BlockChoices,
  DecoderChoices,
  DecoderDims,
  DualChoices,
  DualDims,
  EncoderChoices,
  EncoderDecoderChoices,
  EncoderDecoderDims,
  EncoderDims,
  FeatureStem,
  FeatureStemMaker,
  ImageChoices,
  ImageDims,
  LayerChoices,
  Side,
  StackDims,
  Tables,
} from './choices.js';
export { HEAD, type HeadChoices, type HeadDesign, headNames, isBeside, type Reading, type Task } from './head_design.js';

/** Facts from a checkpoint's header, before anything is made. */
export interface CheckpointSummary {
  tensors: number;
  has(name: string): boolean;
  /** `true` where one of several modules that could share a table has a tensor of its own beside the shared one: see `Tie`. */
  apart(module: string): boolean;
}

/**
 * Modules with one shared weight unless a checkpoint says otherwise (transformers' tie_weights): the first module with a tensor in the checkpoint stands for all modules
 * without one. Further tensors are compared with the first: equal ones are shared, different ones are used each.
 */
export interface Tie {
  readonly table: string;
  readonly copies: readonly string[];
}

/** heed's modules -> a checkpoint's, `{l}` being the layer; `{q,k,v}` are several that one of heed's stacks. A single parameter may have a name of its own. */
export type Names = Readonly<Record<string, string | StoredTensor>>;

/** Tensor whose rows are not simply those of heed's parameter. */
export interface StoredTensor {
  readonly name: string;
  /** `true` where matrices are [in, out], as those of GPT-2's Conv1D; a bias of the same module is unchanged. */
  readonly transposed?: true;
  /** Order of rows or transform of numbers where a file's differ from heed's: layouts.ts has `pairs`, `byHead`, `plus`. */
  readonly layout?: LayoutMaker;
  /** Its axes in the file, where heed has them merged: a convolution whose patches are rows of a product. */
  readonly shape?: (own: readonly number[]) => readonly number[];
}

/** Layout in a file of a tensor of so many rows, one of several stacked parts; undefined: as in heed. Throws MODEL_MISMATCH where the rows do not fit. */
export type LayoutMaker = (name: string, rows: number, part: number) => Layout | undefined;

/** Layout of a tensor in a file. */
export interface Layout {
  /** Number of the file's rows to read at once, so that heed's come in multiples of `step`. */
  rowsAtOnce(step: number): number;
  /** The file's rows from row `at` on in heed's order: the first row of each piece, and its bytes. */
  read(at: number, bytes: Uint8Array, rowBytes: number): readonly (readonly [row: number, bytes: Uint8Array])[];
  /** All of heed's rows in the file's order. */
  written(bytes: Uint8Array, rowBytes: number): Uint8Array;
  /** Dtypes that the layout can be read from. Default all. */
  readonly dtypes?: readonly string[];
}

/** A class of modules that architectures are made into, out of dimensions and choices among blocks. */
export interface ModuleClass<Dims, Block, M extends Module = Module> {
  new (engine: Engine, dims: Dims, block: Block, head?: never): M;
  /** Kind of the module, by which loaders accept it. */
  readonly kind: ArchitectureKind;
  /** Layers, each of which has tensors of its own in a checkpoint. */
  layers(dims: Dims): number;
  /** The same architecture as an encoder, for states or classes. Default: there is none. */
  encoder?(architecture: Architecture<Dims, Block>): Architecture<EncoderDims, EncoderChoices>;
  /** One side of a model that has two. Default: it has one. */
  side?(architecture: Architecture<Dims, Block>, side: Side): Architecture<Dims, Block>;
  /** The part of it on which heads of tasks are put. Default: all of it. */
  headed?(architecture: Architecture<Dims, Block>): Architecture<ImageDims, ImageChoices>;
}

/** Kinds of architectures, and who loads them. */
export const loaders = {
  encoder: 'AutoModel',
  'encoder-decoder': 'AutoModelForSeq2SeqLM',
  'speech encoder-decoder': 'AutoModelForSpeechSeq2Seq',
  decoder: 'AutoModelForCausalLM',
} as const;
export type ArchitectureKind = keyof typeof loaders;

/** An architecture as GGUF files have it. */
export interface GgufSpelling {
  /** general.architecture. */
  readonly name: string;
  /** config.json, as Hugging Face has it, out of a file's keys. */
  config(keys: GgufKeys): JsonObject;
  /** Names of the weights in the file, like `weights` for checkpoints. */
  weights(config: JsonNode): Names;
}

/**
 * A model_type as data: sizes and choices from config.json, and names of the weights in checkpoints. `defineArchitecture` checks
 * it.
 */
export interface Architecture<Dims = unknown, Block = unknown> {
  /** config.json's model_type. */
  readonly name: string;
  /** Prefix of Hugging Face's class names in config.json's `architectures`: Bert, for BertForMaskedLM. */
  readonly className?: string;
  /** Class of the module: Encoder, EncoderDecoder. A bundle contains only the classes of its architectures. */
  readonly module: ModuleClass<Dims, Block>;
  /** General names of keys that configs may use instead of the architecture's own: transformers' attribute_map. */
  readonly aliases?: Readonly<Record<string, string>>;
  /** Sizes: layers, heads, channels, vocabulary. Throws FORMAT for invalid ones. */
  readonly dims: (config: JsonNode) => Dims;
  /** Choices of the blocks: norms, activations, positions. */
  readonly block: (config: JsonNode, checkpoint: CheckpointSummary) => Block;
  /** Names of the weights in checkpoints, or a function that gives them. Default: heed's own names. Variants of one spelling are in `renamed`. */
  readonly weights?: Names | ((config: JsonNode) => Names);
  /** Weights that are shared, for this config. */
  readonly ties?: (config: JsonNode) => readonly Tie[];
  /** Possible names of a parameter, in order of precedence. Saved checkpoints use the name of `weights`. */
  readonly spellings?: Readonly<Record<string, readonly string[]>>;
  /** Prefixes that every name may have: task models hold the encoder under one. */
  readonly prefixes?: readonly string[];
  /** Old spelling -> new. */
  readonly renamed?: readonly (readonly [RegExp, string])[];
  /** Tensors that a checkpoint may hold and this model does not use: other tasks' heads, and copies of shared weights. */
  readonly ignored?: readonly RegExp[];
  /** Modules that a checkpoint may lack as a whole; parts that need them are then left out. */
  readonly optional?: readonly string[];
  /** Modules that begin anew where the checkpoint's have other shapes. Default none. */
  readonly renewed?: readonly string[];
  /** Names and keys in GGUF files. Default: heed reads no GGUF file of this architecture. */
  readonly gguf?: GgufSpelling;
  /** Heads of tasks on an encoder. */
  readonly heads?: Readonly<Partial<Record<Task, HeadDesign>>>;
}

/** An architecture of any dimensions and choices. */
export type AnyArchitecture = Omit<Architecture, 'module'> & { readonly module: { readonly kind: ArchitectureKind } };

const registry = new Map<string, Architecture>();

/** Gives the literal its type, without checks or changes. */
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

/** All registered architectures. */
export const registered = (): Iterable<Architecture> => registry.values();

/** Registered architecture of a config. Throws UNSUPPORTED where none is registered under the config's model_type. */
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

/** An architecture with a task's head. A model for training may begin without a head, or a part of it that another task lacks. */
export function withHead(whole: Architecture, task: Task, trainable: boolean, renews = false): Architecture {
  const architecture = (whole.module.headed?.(whole) ?? whole) as Architecture;
  const { name, heads, optional = [], ignored = [] } = architecture;
  const head = heads?.[task];
  if (!head)
    throw new HeedError('UNSUPPORTED', `heed's ${name} has no head for ${task}`, {
      culprit: 'model_type',
      cure: `It has ${Object.keys(heads ?? {}).join(', ') || 'none'}`,
    });
  // What scores words has the same names in all configs.
  const { 'head.out': out, 'head.bias': bias }: HeadNames = typeof head.weights === 'function' ? {} : head.weights;
  const tied = (config: JsonNode) => bias !== undefined && tiesWords(config);
  // The bias belongs to the matrix, under the matrix's name; a matrix shared with the embeddings has its bias under the other name.
  const own = `${out}.bias`;
  return {
    ...architecture,
    weights: (config) => ({
      ...namesOf(architecture, config),
      ...headNames(head, config),
      ...(bias && !tied(config) && { 'head.bias': own }),
    }),
    ties: (config) => (tied(config) ? [{ table: 'embeddings.word', copies: ['head.out'] }] : (architecture.ties?.(config) ?? [])),
    ...(bias && { spellings: { 'head.bias': [own, bias] } }),
    optional: trainable ? [...optional, ...['dense.', 'norm.', 'out.', 'second.', 'bias'].map((part) => HEAD + part)] : [],
    ...(renews && { renewed: [`${HEAD}out.`, `${HEAD}second.`] }),
    // Where the head does without.
    ignored: [...ignored, /^pooler\./],
  };
}

/** Names of the weights in checkpoints of this config, where they differ from heed's. */
export const namesOf = ({ weights }: Pick<Architecture, 'weights'>, config: JsonNode): Names | undefined =>
  typeof weights === 'function' ? weights(config) : weights;

/** `true` where a config says that embeddings also score words. Default true. */
export const tiesWords = (config: JsonNode): boolean => config.boolean('tie_word_embeddings', true);

/** Architecture whose names are resolved for a config. */
export type Spelt = Omit<Architecture, 'weights' | 'ties'> & { readonly weights: Names | undefined; readonly ties: readonly Tie[] };

/** Resolves an architecture's names for a config. */
export function spell(architecture: Architecture, config: JsonNode): Spelt {
  const [weights, ties = []] = [namesOf(architecture, config), architecture.ties?.(config)];
  const { MaskedLM } = architecture.heads ?? {};
  const { 'head.out': out } = MaskedLM ? headNames(MaskedLM, config) : {};
  // What scores words is the table of words, for whoever has no use for it otherwise.
  const words =
    weights && out && ties.length === 0 && tiesWords(config)
      ? { [WORDS]: [`${nameOf(weights['embeddings.word'] ?? '')}.weight`, `${out}.weight`] }
      : {};
  return { ...architecture, weights, ties, spellings: { ...architecture.spellings, ...words } };
}

const WORDS = 'embeddings.word.weight';
