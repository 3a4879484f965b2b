/**
 * A text encoder of any registered architecture: embeddings, a stack of blocks, a pooler, and a task's head where it has one. `steps` is the forward as a
 * sequence of blocks, between which whoever drives it may look at an abort; model.ts drives it for users. `forward` is the same at once, for training.
 */
import type { Engine } from '../engine/engine.js';
import { HeedError } from '../errors.js';
import { Dropout, Embedding, LayerNorm, Linear } from '../nn/layers.js';
import { Module } from '../nn/module.js';
import type { Norm } from '../nn/norm.js';
import { type PositionCount, type RelativeBias, rowsFrom } from '../nn/positions.js';
import type { RotaryPositions } from '../nn/rotary_positions.js';
import { type LayerMasks, normOf, TransformerEncoderLayer, type TransformerLayerOptions } from '../nn/transformer.js';
import { add } from '../ops/elementwise.js';
import { embedding } from '../ops/embedding.js';
import { contiguous, expand, narrow, reshape } from '../ops/shape.js';
import { type Tensor, tensor } from '../tensor.js';
import { drained } from '../text/steps.js';
import type { EncoderChoices, EncoderDims, LayerChoices } from './architecture.js';
import type { Head } from './heads.js';
import { firstOf, through } from './through.js';

/** Word, position and type embeddings, added, normed, and projected where they have other channels than the layers. */
class Embeddings extends Module {
  readonly word: Embedding;
  readonly #position: Embedding | undefined;
  readonly #offset: number = 0;
  readonly #count: PositionCount | undefined;
  readonly #type: Embedding | undefined;
  readonly #norm: LayerNorm;
  readonly #dropout: Dropout;
  readonly #projection: Linear | undefined;

  constructor(engine: Engine, { C, E = C, V, positions, types, eps }: EncoderDims, choices: EncoderChoices, packed: boolean) {
    super(engine);
    const { positions: table = { offset: 0 } } = choices;
    this.word = this.child('word', new Embedding(engine, V, E, { packed }));
    if (table !== 'none') {
      this.#position = this.child('position', new Embedding(engine, table.offset + positions, E));
      this.#offset = table.offset;
      this.#count = table.count;
    }
    if (types > 0) this.#type = this.child('type', new Embedding(engine, types, E, { quantizable: false }));
    this.#norm = this.child('norm', new LayerNorm(engine, E, { eps, bias: choices.normBias ?? choices.bias ?? true }));
    this.#dropout = this.child('dropout', new Dropout(engine, choices.embeddingDropout ?? choices.dropout ?? 0));
    if (E !== C) this.#projection = this.child('projection', new Linear(engine, E, C));
  }

  /** ids, typeIds [B, T] int32 → [B, T, C]. */
  forward(ids: Tensor, typeIds: Tensor | undefined): Tensor {
    const [words, rest] = [this.word.forward(ids), this.#rest(ids, typeIds)];
    const x = this.#dropout.forward(this.#norm.forward(rest ? add(words, rest) : words));
    return this.#projection ? this.#projection.forward(x) : x;
  }

  /** What is added to words: [B, T, E], or, where it is the same for all rows, [T, E]. Without typeIds all are 0. */
  #rest(ids: Tensor, typeIds: Tensor | undefined): Tensor | undefined {
    const positions = this.#position && this.#places(ids, this.#position);
    if (!this.#type) return positions;
    if (typeIds) return positions ? add(this.#type.forward(typeIds), positions) : this.#type.forward(typeIds);
    const first = narrow(this.#type.weight.tensor, 0, 0, 1);
    return positions ? add(expand(first, positions.shape), positions) : first;
  }

  #places(ids: Tensor, table: Embedding): Tensor {
    const T = ids.dim(1);
    const counted = this.#count?.(ids.engine.heap.ints(contiguous(ids).ptr, ids.size), T);
    if (!counted) return rowsFrom(table.weight, this.#offset, T);
    const rows = counted.map((position) => position + this.#offset);
    return table.forward(tensor(ids.engine, rows, ids.shape));
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

/**
 * A stack of blocks over embeddings, and a head where a task has one: token ids [B, T] → hidden states [B, T, C]. Architectures with
 * `module: Encoder` become one.
 */
export class Encoder extends Module {
  /** Which loaders take it. */
  static readonly kind = 'encoder';
  /** How many blocks some sizes have. */
  static readonly layers = ({ L }: EncoderDims): number => L;
  readonly #embeddings: Embeddings;
  readonly #layers: readonly TransformerEncoderLayer[];
  /** What layers have of their own. */
  readonly #own: readonly LayerChoices[];
  readonly #bias: RelativeBias | undefined;
  readonly #rotary: ReadonlyMap<LayerChoices['rotary'], RotaryPositions>;
  readonly #norm: Norm | undefined;
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
    const { C, L, H, F, eps } = dims;
    const {
      place,
      activation,
      gated,
      bias = true,
      normBias,
      attentionBias,
      dropout = 0,
      attentionDropout,
      activationDropout,
      attentionOutputDropout,
    } = choices;
    this.#embeddings = this.child('embeddings', new Embeddings(engine, dims, choices, head?.tied ?? false));
    const options: TransformerLayerOptions = {
      ...{
        dimFeedforward: F,
        activation,
        gated: gated ?? false,
        ...{ bias, normBias, attentionBias },
        layerNormEps: eps,
        batchFirst: true,
        normFirst: place === 'pre',
      },
      ...{ dropout, attentionDropout, activationDropout, attentionOutputDropout },
    };
    this.#own = Array.from({ length: L }, (_, l) => choices.layer?.(l) ?? {});
    this.#layers = this.#own.map(({ attentionNorm = true }, l) =>
      this.child(`layers.${l}`, new TransformerEncoderLayer(engine, C, H, { ...options, attentionNorm })),
    );
    if (choices.relative) this.#bias = this.child('relative', choices.relative(engine, H));
    const turns = new Set(this.#own.flatMap(({ rotary }) => rotary ?? []));
    this.#rotary = new Map([...turns].map((make) => [make, make(engine, C / H)]));
    if (choices.finalNorm) this.#norm = this.child('norm', normOf(engine, C, options));
    if (head ? head.reads === 'pooler' : (choices.pooler ?? true)) this.#pooler = this.child('pooler', new Linear(engine, C, C));
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
    const { embedded, mask } = this.engine.scope(() => ({
      embedded: this.#embeddings.forward(ids, typeIds),
      mask: this.#bias?.view(T, T),
    }));
    const turns = new Map([...this.#rotary].map(([make, positions]) => [make, positions.forward(T)]));
    const onWeights = wants.attentions ? (weights: Tensor) => attentions.push(weights) : undefined;
    yield;
    const stack = { layers: this.#layers, norm: this.#norm };
    const masks: LayerMasks = { lengths, keyPaddingMask, mask };
    const x = yield* through(stack, embedded, wants.hiddenStates ? hiddenStates : undefined, (layer, h, l) => {
      const { window, rotary } = this.#own[l] as LayerChoices;
      const reach = window === undefined ? undefined : ([window, window] as const);
      return layer.forward(h, { ...masks, window: reach, rotary: turns.get(rotary), onWeights });
    });
    for (const made of [mask, ...turns.values()]) made?.dispose();
    const { head } = this;
    const words = this.#embeddings.word.weight;
    const { places } = wants;
    const tokens = () => (places ? embedding(tensor(this.engine, places), reshape(x, [-1, x.dim(2)])) : x);
    const inputs = { states: x, lengths, padding: keyPaddingMask, tokens, pooled: () => this.#pool(x) };
    const poolerOutput = wants.pooler && this.#pooler?.weight.complete ? this.#pool(x) : undefined;
    const logits = head && this.engine.scope(() => head.forward({ ...inputs, words: words.operand }));
    // Whoever looks at them finds them done.
    yield;
    return { lastHiddenState: x, hiddenStates, attentions, poolerOutput, logits };
  }

  #pool(x: Tensor): Tensor {
    return this.engine.scope(() => (this.#pooler as Linear).forward(firstOf(x), { activation: 'tanh' }));
  }
}
