/**
 * A text encoder of any registered architecture: embeddings, a stack of blocks, a pooler, and a task's head where it has one. `steps` is the forward as a
 * sequence of blocks, between which whoever drives it may look at an abort; model.ts drives it for users. `forward` is the same at once, for training.
 */
import type { Engine } from '../engine/engine.js';
import { HeedError } from '../errors.js';
import { Dropout, Embedding, LayerNorm, Linear } from '../nn/layers.js';
import { Module } from '../nn/module.js';
import { rowsFrom } from '../nn/positions.js';
import { TransformerEncoderLayer } from '../nn/transformer.js';
import { add } from '../ops/elementwise.js';
import { embedding } from '../ops/embedding.js';
import { contiguous, expand, narrow, reshape } from '../ops/shape.js';
import { type Tensor, tensor } from '../tensor.js';
import type { BlockChoices, EncoderDims } from './architecture.js';
import type { Head } from './heads.js';
import { drained, through } from './through.js';

/** Word, position and type embeddings, added and normed. */
class Embeddings extends Module {
  readonly word: Embedding;
  readonly #position: Embedding;
  readonly #type: Embedding;
  readonly #norm: LayerNorm;
  readonly #dropout: Dropout;

  constructor(engine: Engine, { C, V, positions, types, eps }: EncoderDims, dropout: number, packed: boolean) {
    super(engine);
    this.word = this.child('word', new Embedding(engine, V, C, { packed }));
    this.#position = this.child('position', new Embedding(engine, positions, C));
    this.#type = this.child('type', new Embedding(engine, types, C, { quantizable: false }));
    this.#norm = this.child('norm', new LayerNorm(engine, C, { eps }));
    this.#dropout = this.child('dropout', new Dropout(engine, dropout));
  }

  /** ids, typeIds [B, T] int32 → [B, T, C]. Without typeIds all are 0: types and positions, then the same for all rows, are added once. */
  forward(ids: Tensor, typeIds: Tensor | undefined): Tensor {
    const T = ids.dim(1);
    const positions = rowsFrom(this.#position.weight, 0, T);
    const types = typeIds ? this.#type.forward(typeIds) : expand(narrow(this.#type.weight.tensor, 0, 0, 1), positions.shape);
    return this.#dropout.forward(this.#norm.forward(add(this.word.forward(ids), add(types, positions))));
  }
}

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

export class Encoder extends Module {
  static readonly kind = 'encoder';
  static readonly layers = ({ L }: EncoderDims): number => L;
  readonly #embeddings: Embeddings;
  readonly #layers: readonly TransformerEncoderLayer[];
  readonly #pooler: Linear | undefined;

  constructor(
    engine: Engine,
    readonly dims: EncoderDims,
    block: BlockChoices,
    readonly head?: Head,
  ) {
    super(engine);
    const { C, L, H, F, eps } = dims;
    const { dropout = 0, attentionDropout, activationDropout } = block;
    this.#embeddings = this.child('embeddings', new Embeddings(engine, dims, dropout, head?.scoresWords ?? false));
    const options = {
      ...{ dimFeedforward: F, activation: block.activation, layerNormEps: eps, batchFirst: true, normFirst: block.place === 'pre' },
      ...{ dropout, attentionDropout, activationDropout },
    };
    this.#layers = Array.from({ length: L }, (_, l) => this.child(`layers.${l}`, new TransformerEncoderLayer(engine, C, H, options)));
    if (head?.pools ?? true) this.#pooler = this.child('pooler', new Linear(engine, C, C));
    if (head) this.child('head', head);
  }

  /** What batches are checked against before they are run. */
  get config(): { vocab_size: number; max_position_embeddings: number; num_labels: number | undefined } {
    return { vocab_size: this.dims.V, max_position_embeddings: this.dims.positions, num_labels: this.head?.labels };
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

  *#blocks({ ids, typeIds, lengths, padding: keyPaddingMask }: EncoderBatch, wants: EncoderWants): Generator<void, EncoderOutputs> {
    const { positions } = this.dims;
    const T = ids.dim(1);
    if (T < 1 || T > positions) {
      throw new HeedError('ARGUMENT', `Rows of ${T} tokens do not fit: the model takes 1 to ${positions}`, {
        culprit: 'input_ids',
        shape: ids.shape,
        cure: 'Truncate, or give empty texts their special tokens',
      });
    }
    const hiddenStates: Tensor[] = [];
    const attentions: Tensor[] = [];
    const embedded = this.engine.scope(() => this.#embeddings.forward(ids, typeIds));
    const onWeights = wants.attentions ? (weights: Tensor) => attentions.push(weights) : undefined;
    yield;
    const stack = { layers: this.#layers };
    const x = yield* through(stack, embedded, wants.hiddenStates ? hiddenStates : undefined, (layer, h) =>
      layer.forward(h, { lengths, keyPaddingMask, onWeights }),
    );
    const poolerOutput = wants.pooler && this.#pooler?.weight.complete ? this.#pool(x) : undefined;
    return { lastHiddenState: x, hiddenStates, attentions, poolerOutput, logits: this.#score(x, wants.places) };
  }

  #score(states: Tensor, places: Int32Array | undefined): Tensor | undefined {
    const words = this.#embeddings.word.weight;
    const at = () => (places ? embedding(tensor(this.engine, places), reshape(states, [-1, states.dim(2)])) : states);
    return (
      this.head && this.engine.scope(() => this.head?.forward({ states: at(), pooled: () => this.#pool(states), words: words.operand }))
    );
  }

  #pool(x: Tensor): Tensor {
    const first = () => contiguous(reshape(contiguous(narrow(x, 1, 0, 1)), [x.dim(0), x.dim(2)]));
    return this.engine.scope(() => (this.#pooler as Linear).forward(first(), { activation: 'tanh' }));
  }
}
