/**
 * A text encoder of any registered architecture: embeddings, a stack of blocks, a pooler. `steps` is the forward as a
 * sequence of blocks, between which whoever drives it may look at an abort; model.ts drives it for users.
 */
import type { Engine } from '../engine/engine.js';
import { HeedError } from '../errors.js';
import { Embedding, LayerNorm, Linear } from '../nn/layers.js';
import { Module } from '../nn/module.js';
import { TransformerEncoderLayer } from '../nn/transformer.js';
import { add } from '../ops/elementwise.js';
import { contiguous, expand, narrow, reshape } from '../ops/shape.js';
import { type Tensor, tensor } from '../tensor.js';
import type { BlockChoices, EncoderDims } from './architecture.js';
import { through } from './through.js';

/** Word, position and type embeddings, added and normed. */
class Embeddings extends Module {
  readonly #word: Embedding;
  readonly #position: Embedding;
  readonly #type: Embedding;
  readonly #norm: LayerNorm;

  constructor(engine: Engine, { C, V, positions, types, eps }: EncoderDims) {
    super(engine);
    this.#word = this.child('word', new Embedding(engine, V, C));
    this.#position = this.child('position', new Embedding(engine, positions, C, { quantizable: false }));
    this.#type = this.child('type', new Embedding(engine, types, C, { quantizable: false }));
    this.#norm = this.child('norm', new LayerNorm(engine, C, { eps }));
  }

  /** ids, typeIds [B, T] int32 → [B, T, C]. Without typeIds all are 0: types and positions, then the same for all rows, are added once. */
  forward(ids: Tensor, typeIds: Tensor | undefined): Tensor {
    const T = ids.dim(1);
    const positions = narrow(this.#position.weight.tensor, 0, 0, T);
    const types = typeIds ? this.#type.forward(typeIds) : expand(narrow(this.#type.weight.tensor, 0, 0, 1), positions.shape);
    return this.#norm.forward(add(this.#word.forward(ids), add(types, positions)));
  }
}

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
}

export interface EncoderOutputs {
  lastHiddenState: Tensor;
  /** The embeddings, then the output of each block. */
  hiddenStates: Tensor[];
  /** [B, H, T, T] of each block. */
  attentions: Tensor[];
  /** tanh(W h + b) of the first token, [B, C], where the checkpoint has a pooler. */
  poolerOutput: Tensor | undefined;
}

export class Encoder extends Module {
  static readonly kind = 'encoder';
  static readonly layers = ({ L }: EncoderDims): number => L;
  readonly #embeddings: Embeddings;
  readonly #layers: readonly TransformerEncoderLayer[];
  readonly #pooler: Linear;

  constructor(
    engine: Engine,
    readonly dims: EncoderDims,
    block: BlockChoices,
  ) {
    super(engine);
    const { C, L, H, F, eps } = dims;
    this.#embeddings = this.child('embeddings', new Embeddings(engine, dims));
    const options = {
      dimFeedforward: F,
      activation: block.activation,
      layerNormEps: eps,
      batchFirst: true,
      normFirst: block.place === 'pre',
    };
    this.#layers = Array.from({ length: L }, (_, l) => this.child(`layers.${l}`, new TransformerEncoderLayer(engine, C, H, options)));
    this.#pooler = this.child('pooler', new Linear(engine, C, C));
  }

  /** The forward, yielding after each block. Throws ARGUMENT for ids outside of the vocabulary and rows that are too long. */
  *steps(inputs: EncoderInputs, wants: EncoderWants = {}): Generator<void, EncoderOutputs> {
    const { engine, dims } = this;
    const [B, T] = inputs.shape;
    if (T < 1 || T > dims.positions) {
      throw new HeedError('ARGUMENT', `Rows of ${T} tokens do not fit: the model takes 1 to ${dims.positions}`, {
        culprit: 'input_ids',
        shape: inputs.shape,
        cure: 'Truncate, or give empty texts their special tokens',
      });
    }
    const hiddenStates: Tensor[] = [];
    const attentions: Tensor[] = [];
    const embedded = engine.scope(() => {
      const typeIds = inputs.typeIds && tensor(engine, inputs.typeIds, [B, T]);
      return this.#embeddings.forward(tensor(engine, inputs.ids, [B, T]), typeIds);
    });
    const keyPaddingMask = inputs.padding && tensor(engine, inputs.padding, [B, T]);
    const onWeights = wants.attentions ? (weights: Tensor) => attentions.push(weights) : undefined;
    yield;
    const stack = { layers: this.#layers };
    const x = yield* through(stack, embedded, wants.hiddenStates ? hiddenStates : undefined, (layer, h) =>
      layer.forward(h, { lengths: inputs.lengths, keyPaddingMask, onWeights }),
    );
    const poolerOutput = wants.pooler && this.#pooler.weight.complete ? this.#pool(x) : undefined;
    return { lastHiddenState: x, hiddenStates, attentions, poolerOutput };
  }

  #pool(x: Tensor): Tensor {
    return this.engine.scope(() =>
      this.#pooler.forward(contiguous(reshape(contiguous(narrow(x, 1, 0, 1)), [x.dim(0), x.dim(2)])), { activation: 'tanh' }),
    );
  }
}
