/**
 * What all encoders are behind their stem, whatever that reads: a trunk, a pooler, and a task's head where it has one. Encoder has a stem for token ids, ImageEncoder
 * one for pictures. `steps` is the forward as a sequence of blocks, between which whoever drives it may look at an abort; model.ts drives it for users.
 */
import type { Engine } from '../engine/engine.js';
import { Module } from '../nn/module.js';
import type { Operand } from '../nn/parameter.js';
import type { RelativeBias } from '../nn/positions.js';
import { type Kept, Trunk } from '../nn/trunk.js';
import { embedding } from '../ops/embedding.js';
import { reshape } from '../ops/shape.js';
import { type Tensor, tensor } from '../tensor.js';
import { blockOf, normOf } from './blocks.js';
import type { TrunkChoices, TrunkDims } from './choices.js';
import type { HeadInputs, HeadLike } from './heads.js';
import type { Pooler } from './poolers.js';

/** What is wanted beside the last hidden state. */
export interface EncoderWants {
  hiddenStates?: boolean | undefined;
  attentions?: boolean | undefined;
  pooler?: boolean | undefined;
  /** The rows of [B T] that a head which scores tokens is asked about: its logits are then [n, …]. Default: all, and [B, T, …]. */
  places?: Int32Array | undefined;
}

/** Lists of what blocks did, by their names in transformers: of an encoder, or of an encoder and a decoder. */
export type Insight =
  | 'hidden_states'
  | 'attentions'
  | 'encoder_hidden_states'
  | 'encoder_attentions'
  | 'decoder_hidden_states'
  | 'decoder_attentions'
  | 'cross_attentions';

export interface EncoderOutputs {
  lastHiddenState: Tensor;
  /** The embeddings, then the output of each block. */
  hiddenStates: Tensor[];
  /** [B, H, T, T] of each block. */
  attentions: Tensor[];
  /** One vector for each row, [B, C], where the checkpoint has a pooler: tanh(W h + b) of the first token, or what the architecture has in its place. */
  poolerOutput: Tensor | undefined;
  /** What the head says, where there is one. */
  logits: Tensor | undefined;
  /** What users are given in place of states and vectors, under these names. */
  named?: Readonly<Record<string, Tensor>>;
  /** What they are given in place of hidden states and attentions. */
  insights?: Readonly<Partial<Record<Insight, readonly Tensor[]>>>;
}

/** What a batch is, beside its states. */
export interface EncodedBatch {
  /** [B, T] int32, where it is of tokens. */
  ids?: Tensor | undefined;
  /** Tokens of each row that are not padding, or where it is: [B, T] bool. */
  lengths?: readonly number[] | undefined;
  padding?: Tensor | undefined;
  /** The word embeddings, as a product takes them. */
  words?: () => Operand;
  /** What heads of pictures read beside: see HeadInputs. */
  features?: HeadInputs['features'];
  grid?: HeadInputs['grid'];
}

/** A batch as an encoder takes it from outside of the engine. */
export interface EncoderRows {
  /** Rows, and the tokens that each becomes. */
  readonly shape: readonly [B: number, T: number];
}

/** An encoder over a stem of whatever kind. */
export abstract class BaseEncoder<Stem extends Module, Dims extends TrunkDims, Inputs extends EncoderRows> extends Module {
  /** Which loaders take it. */
  static readonly kind = 'encoder';
  /** How many blocks some sizes have. */
  static readonly layers = ({ L }: TrunkDims): number => L;
  /** The blocks. */
  protected readonly trunk: Trunk;
  /** What all blocks add to the scores of their attention, where there is such a bias. */
  protected readonly relative: RelativeBias | undefined;
  readonly #pooler: Pooler | undefined;

  constructor(
    engine: Engine,
    /** Its sizes. */
    readonly dims: Dims,
    choices: TrunkChoices,
    /** What makes states of what comes in. */
    protected readonly stem: Stem,
    /** What makes scores of its states; undefined without a task. */
    readonly head?: HeadLike,
  ) {
    super(engine);
    const { L, H, eps } = dims;
    const { relative, layer, finalNorm, causal, pooler } = choices;
    const blocks = Array.from({ length: L }, (_, l) => blockOf(dims, { ...choices, ...layer?.(l) }, { causal }));
    this.child('embeddings', stem);
    this.trunk = this.child('', new Trunk(engine, blocks, finalNorm ? normOf(eps, choices) : undefined));
    this.relative = relative && this.child('relative', relative(engine, H, true));
    if (pooler && (!head || head.reads === 'pooler')) this.#pooler = this.child('pooler', pooler(engine, dims));
    if (head) this.child('head', head);
  }

  /** Its head's scores of words are those of the embeddings from now on. */
  tie(): void {
    this.head?.tie();
  }

  /** Names of what a call may give it. */
  abstract readonly inputNames: readonly string[];
  /** What a user gives, checked. Throws ARGUMENT, SHAPE. */
  abstract read(given: object): Inputs;
  /** A batch of nothing, for rehearsals: B rows, of T tokens where that may be chosen. */
  abstract blank(B: number, T: number): Inputs;
  /** The forward, yielding after each block. */
  abstract steps(inputs: Inputs, wants?: EncoderWants): Generator<void, EncoderOutputs>;

  /** Drives what makes the states, pools and scores them. */
  protected *outputs(
    running: Generator<void, Tensor>,
    { ids, lengths, padding, words, features, grid }: EncodedBatch,
    wants: EncoderWants,
    kept: Kept,
  ): Generator<void, EncoderOutputs> {
    const { engine, head } = this;
    const states = yield* running;
    const { places } = wants;
    const tokens = () => (places ? embedding(tensor(engine, places), reshape(states, [-1, states.dim(2)])) : states);
    const pooler = this.#pooler;
    const pooled = () => engine.scope(() => (pooler as Pooler).forward(states, ids));
    const poolerOutput = wants.pooler && pooler?.complete ? pooled() : undefined;
    const logits = head && engine.scope(() => head.forward({ states, lengths, padding, tokens, pooled, words, features, grid }));
    // Whoever looks at them finds them done.
    yield;
    const { hiddenStates = [], attentions = [] } = kept;
    return { lastHiddenState: states, hiddenStates, attentions, poolerOutput, logits };
  }
}

/** An encoder of any kind of input. */
export interface AnyEncoder extends Module {
  readonly inputNames: readonly string[];
  read(given: object): EncoderRows;
  blank(B: number, T: number): EncoderRows;
  steps(inputs: EncoderRows, wants?: EncoderWants): Generator<void, EncoderOutputs>;
}
