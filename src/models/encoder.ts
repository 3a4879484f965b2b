/**
 * A text encoder of any registered architecture: a stem, a trunk, a pooler, and a task's head where it has one. `steps` is the forward as a
 * sequence of blocks, between which whoever drives it may look at an abort; model.ts drives it for users. `forward` is the same at once, for training.
 */
import type { Engine } from '../engine/engine.js';
import { HeedError } from '../errors.js';
import { Linear } from '../nn/layers.js';
import { Module } from '../nn/module.js';
import { learned } from '../nn/positions.js';
import { keptOf, Trunk } from '../nn/trunk.js';
import { embedding } from '../ops/embedding.js';
import { reshape } from '../ops/shape.js';
import { drained } from '../steps.js';
import { type Tensor, tensor } from '../tensor.js';
import type { EncoderChoices, EncoderDims } from './architecture.js';
import { blockOf, normOf } from './blocks.js';
import { firstOf, type Head } from './heads.js';
import { Stem } from './stem.js';
import { Tower } from './tower.js';

/** A batch in the engine. */
export interface EncoderBatch {
  /** [B, T] int32 */
  ids: Tensor;
  /** [B, T] int32. Default: all 0. */
  typeIds?: Tensor | undefined;
  lengths?: readonly number[] | undefined;
  /** [B, T] bool, true is padding. */
  padding?: Tensor | undefined;
}

/** A batch outside of it. */
export interface EncoderInputs {
  /** [B][T], right-padded to one length. */
  ids: Int32Array;
  shape: readonly [B: number, T: number];
  /** Default: all 0. */
  typeIds?: Int32Array | undefined;
  /** Tokens of each example that are not padding. */
  lengths?: readonly number[] | undefined;
  /** [B][T], 1 is padding: for masks that are no right padding. */
  padding?: Uint8Array | undefined;
}

/** What is wanted beside the last hidden state. */
export interface EncoderWants {
  hiddenStates?: boolean | undefined;
  attentions?: boolean | undefined;
  pooler?: boolean | undefined;
  /** The rows of [B T] that a head which scores tokens is asked about: its logits are then [n, …]. Default: all, and [B, T, …]. */
  places?: Int32Array | undefined;
}

export interface EncoderOutputs {
  lastHiddenState: Tensor;
  /** The embeddings, then the output of each block. */
  hiddenStates: Tensor[];
  /** [B, H, T, T] of each block. */
  attentions: Tensor[];
  /** tanh(W h + b) of the first token, [B, C], where the checkpoint has a pooler. */
  poolerOutput: Tensor | undefined;
  /** What the head says, where there is one. */
  logits: Tensor | undefined;
}

/**
 * A stack of blocks over embeddings, and a head where a task has one: token ids [B, T] → hidden states [B, T, C]. Architectures with
 * `module: Encoder` become one.
 */
export class Encoder extends Module {
  /** Which loaders take it. */
  static readonly kind = 'encoder';
  /** How many blocks some sizes have. */
  static readonly layers = ({ L }: EncoderDims): number => L;
  readonly #tower: Tower;
  readonly #pooler: Linear | undefined;

  constructor(
    engine: Engine,
    /** Its sizes. */
    readonly dims: EncoderDims,
    choices: EncoderChoices,
    /** What makes scores of its states; undefined without a task. */
    readonly head?: Head,
  ) {
    super(engine);
    const { C, L, H, eps } = dims;
    const { positions = learned(), dropout, embeddingDropout = dropout, count, relative, layer, finalNorm, pooler = true } = choices;
    const { causal, embeddingScale: scale, embeddingNorm = true } = choices;
    const norm = normOf(eps, choices);
    const makePositions = positions === 'none' ? undefined : positions;
    const embeddings = { ...dims, packed: head?.tied, makePositions, count, scale, dropout: embeddingDropout };
    const blocks = Array.from({ length: L }, (_, l) => blockOf(dims, { ...choices, ...layer?.(l) }, { causal }));
    const stem = this.child('embeddings', new Stem(engine, { ...embeddings, norm: embeddingNorm ? norm : undefined }));
    const trunk = this.child('', new Trunk(engine, blocks, finalNorm ? norm : undefined));
    this.#tower = new Tower(stem, trunk, relative && this.child('relative', relative(engine, H, true)));
    if (head ? head.reads === 'pooler' : pooler) this.#pooler = this.child('pooler', new Linear(engine, C, C));
    if (head) this.child('head', head);
  }

  /** Its head's scores of words are those of the embeddings from now on. */
  tie(): void {
    this.head?.tie();
  }

  /** What batches are checked against before they are run. */
  get config(): {
    /** V: ids are less. */
    vocab_size: number;
    /** The most tokens of a row. */
    max_position_embeddings: number;
    /** Classes of the head; undefined without one. */
    num_labels: number | undefined;
  } {
    return { vocab_size: this.dims.V, max_position_embeddings: this.dims.positions, num_labels: this.head?.classes?.length };
  }

  /** ids, typeIds [B, T] int32, the rows' lengths without padding → the head's logits, or the last hidden states [B, T, C] where there is none. */
  forward(ids: Tensor, lengths?: readonly number[], typeIds?: Tensor): Tensor {
    return this.engine.scope(() => {
      const { logits, lastHiddenState } = drained(this.#blocks({ ids, typeIds, lengths }, {}));
      return logits ?? lastHiddenState;
    });
  }

  /** The forward, yielding after each block. Throws ARGUMENT for ids outside of the vocabulary and rows that are too long. */
  *steps(inputs: EncoderInputs, wants: EncoderWants = {}): Generator<void, EncoderOutputs> {
    const { shape, lengths } = inputs;
    const enter = (data: Int32Array | Uint8Array) => tensor(this.engine, data, shape);
    const [typeIds, padding] = [inputs.typeIds && enter(inputs.typeIds), inputs.padding && enter(inputs.padding)];
    return yield* this.#blocks({ ids: enter(inputs.ids), typeIds, lengths, padding }, wants);
  }

  *#blocks({ ids, typeIds, lengths, padding }: EncoderBatch, wants: EncoderWants): Generator<void, EncoderOutputs> {
    const { positions } = this.dims;
    const T = ids.dim(1);
    if (T < 1 || T > positions) {
      throw new HeedError('ARGUMENT', `Rows of ${T} tokens do not fit: the model takes 1 to ${positions}`, {
        culprit: 'input_ids',
        shape: ids.shape,
        cure: 'Truncate, or give empty texts their special tokens',
      });
    }
    const kept = keptOf(wants);
    const states = yield* this.#tower.steps(ids, { types: typeIds, lengths, padding }, kept);
    const { places } = wants;
    const tokens = () => (places ? embedding(tensor(this.engine, places), reshape(states, [-1, states.dim(2)])) : states);
    const words = this.#tower.stem.words.weight;
    const pooled = () => this.#pool(states);
    const poolerOutput = wants.pooler && this.#pooler?.weight.complete ? pooled() : undefined;
    const logits =
      this.head && this.engine.scope(() => this.head?.forward({ states, lengths, padding, tokens, pooled, words: words.operand }));
    // Whoever looks at them finds them done.
    yield;
    const { hiddenStates = [], attentions = [] } = kept;
    return { lastHiddenState: states, hiddenStates, attentions, poolerOutput, logits };
  }

  #pool(x: Tensor): Tensor {
    return this.engine.scope(() => (this.#pooler as Linear).forward(firstOf(x), { activation: 'tanh' }));
  }
}
