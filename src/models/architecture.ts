/**
 * An architecture is data: which numbers of a Hugging Face config mean which dimensions, which blocks it is made of, and what
 * its checkpoint calls the weights. `heed` registers every architecture; `heed/core` none, so that a small bundle adds its own.
 */
import type { Engine } from '../engine/engine.js';
import { HeedError } from '../errors.js';
import { quote } from '../io/header.js';
import type { JsonNode, JsonObject } from '../io/json.js';
import type { Module } from '../nn/module.js';
import type { Activation } from '../ops/activation.js';
import type { EncoderChoices, EncoderDims } from './choices.js';
import type { GgufKeys } from './gguf_keys.js';
import { nameOf } from './names.js';

export type {
  BlockChoices,
  DecoderChoices,
  DecoderDims,
  EncoderChoices,
  EncoderDecoderChoices,
  EncoderDecoderDims,
  EncoderDims,
  LayerChoices,
  StackDims,
  Tables,
} from './choices.js';

/** What a checkpoint's header tells before anything is made. */
export interface CheckpointSummary {
  tensors: number;
  has(name: string): boolean;
  /** Whether a module of several that could share a table has a tensor of its own beside theirs: see `Tie`. */
  apart(module: string): boolean;
}

/**
 * Modules whose weights are one unless a checkpoint says otherwise (transformers' tie_weights): the first of them that it has a tensor for stands for all that it has
 * none for. Those that it has beside are compared with that one: equal they are one, different each is used.
 */
export interface Tie {
  readonly table: string;
  readonly copies: readonly string[];
}

/** heed's modules -> a checkpoint's, `{l}` being the layer; `{q,k,v}` are several that one of heed's stacks. A single parameter may have a name of its own. */
export type Names = Readonly<Record<string, string | StoredTensor>>;

/** A tensor whose rows are not simply those of heed's parameter. */
export interface StoredTensor {
  readonly name: string;
  /** A matrix is [in, out], as GPT-2's Conv1D has it; a bias of the same module is what it is. */
  readonly transposed?: true;
  /** Where rows or numbers are otherwise than heed's: layouts.ts has `pairs`, `byHead`, `plus`. */
  readonly layout?: LayoutMaker;
}

/** How a tensor of so many rows, one of several stacked parts, lies in a file; undefined: as heed has it. Throws MODEL_MISMATCH where it cannot. */
export type LayoutMaker = (name: string, rows: number, part: number) => Layout | undefined;

/** How a file has a tensor. */
export interface Layout {
  /** How many rows of the file come at once, so that heed's come in multiples of `step`. */
  rowsAtOnce(step: number): number;
  /** The file's rows from row `at` on as heed's: where each piece begins, and its bytes. */
  read(at: number, bytes: Uint8Array, rowBytes: number): readonly (readonly [row: number, bytes: Uint8Array])[];
  /** All of heed's rows as the file's. */
  written(bytes: Uint8Array, rowBytes: number): Uint8Array;
  /** Kinds of numbers that it can be read from. Default all. */
  readonly dtypes?: readonly string[];
}

/** A class of modules that architectures are made into, out of dimensions and choices among blocks. */
export interface ModuleClass<Dims, Block, M extends Module = Module> {
  new (engine: Engine, dims: Dims, block: Block, head?: never): M;
  /** Names what can be done with it, and so who loads it. */
  readonly kind: ArchitectureKind;
  /** Layers, each of which has tensors of its own in a checkpoint. */
  layers(dims: Dims): number;
  /** The same architecture for those who want states, or classes: as an encoder. Default: there is no such thing. */
  encoder?(architecture: Architecture<Dims, Block>): Architecture<EncoderDims, EncoderChoices>;
}

/** Kinds of architectures, and who loads them. */
export const loaders = { encoder: 'AutoModel', 'encoder-decoder': 'AutoModelForSeq2SeqLM', decoder: 'AutoModelForCausalLM' } as const;
export type ArchitectureKind = keyof typeof loaders;

/** An architecture as GGUF files have it. */
export interface GgufSpelling {
  /** general.architecture. */
  readonly name: string;
  /** config.json, as Hugging Face has it, out of a file's keys. */
  config(keys: GgufKeys): JsonObject;
  /** What the file calls the weights, as `weights` says it of checkpoints. */
  weights(config: JsonNode): Names;
}

/**
 * A model_type as data: its sizes and choices as config.json has them, and what checkpoints call its weights. `defineArchitecture` checks
 * it.
 */
export interface Architecture<Dims = unknown, Block = unknown> {
  /** config.json's model_type. */
  readonly name: string;
  /** How Hugging Face's classes begin, which config.json's `architectures` names: Bert, for BertForMaskedLM. */
  readonly className?: string;
  /** What it is made into: Encoder, EncoderDecoder. A bundle has those alone that its architectures name. */
  readonly module: ModuleClass<Dims, Block>;
  /** General names that its configs may have for keys of its own, and the keys: transformers' attribute_map. */
  readonly aliases?: Readonly<Record<string, string>>;
  /** Its sizes: layers, heads, channels, vocabulary. Throws FORMAT for what they cannot be. */
  readonly dims: (config: JsonNode) => Dims;
  /** What its blocks are like: norms, activations, positions. */
  readonly block: (config: JsonNode, checkpoint: CheckpointSummary) => Block;
  /** What checkpoints call the weights, or how to find out. Without it they have heed's own names. Where several spell a name differently, `renamed` tells. */
  readonly weights?: Names | ((config: JsonNode) => Names);
  /** Which weights are one, as this config has it. */
  readonly ties?: (config: JsonNode) => readonly Tie[];
  /** A parameter's names where it may have several, the one that counts first. What is saved has that of `weights`. */
  readonly spellings?: Readonly<Record<string, readonly string[]>>;
  /** What may stand before every name: task models hold the encoder under a prefix. */
  readonly prefixes?: readonly string[];
  /** Old spelling -> new. */
  readonly renamed?: readonly (readonly [RegExp, string])[];
  /** Tensors that a checkpoint may hold and this model does not use: other tasks' heads, and copies of what is tied. */
  readonly ignored?: readonly RegExp[];
  /** Modules that a checkpoint may lack, if it lacks all of one; what needs them is then left out. */
  readonly optional?: readonly string[];
  /** How GGUF files have it. Default: heed reads none of it. */
  readonly gguf?: GgufSpelling;
  /** What tasks put on an encoder. */
  readonly heads?: Readonly<Partial<Record<Task, HeadDesign>>>;
}

/** How the parameters of a head begin. */
export const HEAD = 'head.';

/** How those begin that stand beside what Hugging Face calls the base model, and so outside of its prefix. */
const beside = [HEAD, 'lm_head.', 'final_logits_bias'];
export const isBeside = (key: string): boolean => beside.some((start) => key.startsWith(start));

/** What can be put on an encoder, by Hugging Face's names: AutoModelFor… */
export type Task = 'SequenceClassification' | 'TokenClassification' | 'QuestionAnswering' | 'MaskedLM';

/** What a head reads: tanh(W h + b) of the first token, its state, that of the last, the mean of all: [B, C]; or all states: [B, T, C]. */
export type Reading = 'pooler' | 'first' | 'last' | 'mean' | 'tokens';

/** A head reads, drops, transforms (norm(activation(W x + b))), drops again, and scores. */
export interface HeadChoices {
  reads: Reading;
  /** In training, the share that is dropped of what it reads. Default 0. */
  inputDropout?: number;
  /** Default: no transform. */
  transform?: { activation: Activation; bias?: boolean; norm?: { eps: number; bias?: boolean } };
  /** Of what is scored. Default 0. */
  dropout?: number;
  /** Whether each score has a number that is added. Default true. */
  bias?: boolean;
  /** Of a head that scores words: whether by their embeddings, by default as `tie_word_embeddings` says or true, though the checkpoint has scores `apart`. */
  tied?: boolean;
  apart?: boolean;
}

export interface HeadDesign {
  readonly choices: (config: JsonNode) => HeadChoices;
  /** As `weights`: head.dense and head.norm transform, head.out scores; of words that are scored by their embeddings head.bias alone is left. */
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

/** All architectures that are registered. */
export const registered = (): Iterable<Architecture> => registry.values();

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

/** An architecture with what a task puts on it. A model that is to be trained may begin without a head, or a part of it that another task has not. */
export function withHead(architecture: Architecture, task: Task, trainable: boolean): Architecture {
  const { name, heads, optional = [], ignored = [] } = architecture;
  const head = heads?.[task];
  if (!head)
    throw new HeedError('UNSUPPORTED', `heed's ${name} has no head for ${task}`, {
      culprit: 'model_type',
      cure: `It has ${Object.keys(heads ?? {}).join(', ') || 'none'}`,
    });
  const { 'head.out': out, 'head.bias': bias } = head.weights;
  const tied = (config: JsonNode) => bias !== undefined && tiesWords(config);
  // The number of each word belongs to the matrix, which has a name for it; what is tied goes by the other one.
  const own = `${out}.bias`;
  return {
    ...architecture,
    weights: (config) => ({ ...namesOf(architecture, config), ...head.weights, ...(bias && !tied(config) && { 'head.bias': own }) }),
    ties: (config) => (tied(config) ? [{ table: 'embeddings.word', copies: ['head.out'] }] : (architecture.ties?.(config) ?? [])),
    ...(bias && { spellings: { 'head.bias': [own, bias] } }),
    optional: trainable ? [...optional, ...['dense.', 'norm.', 'out.', 'bias'].map((part) => HEAD + part)] : [],
    // Where the head does without.
    ignored: [...ignored, /^pooler\./],
  };
}

/** What checkpoints of this config call the weights, where they have names of their own. */
export const namesOf = ({ weights }: Architecture, config: JsonNode): Names | undefined =>
  typeof weights === 'function' ? weights(config) : weights;

/** Whether a config says that embeddings score words, too. Default true. */
export const tiesWords = (config: JsonNode): boolean => config.boolean('tie_word_embeddings', true);

/** An architecture whose names are known. */
export type Spelt = Omit<Architecture, 'weights' | 'ties'> & { readonly weights: Names | undefined; readonly ties: readonly Tie[] };

/** An architecture as checkpoints of this config have it. */
export function spell(architecture: Architecture, config: JsonNode): Spelt {
  const [weights, ties = []] = [namesOf(architecture, config), architecture.ties?.(config)];
  const { 'head.out': out } = architecture.heads?.MaskedLM?.weights ?? {};
  // What scores words is the table of words, for whoever has no use for it otherwise.
  const words =
    weights && out && ties.length === 0 && tiesWords(config)
      ? { [WORDS]: [`${nameOf(weights['embeddings.word'] ?? '')}.weight`, `${out}.weight`] }
      : {};
  return { ...architecture, weights, ties, spellings: { ...architecture.spellings, ...words } };
}

const WORDS = 'embeddings.word.weight';
