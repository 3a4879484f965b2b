/**
 * A decoder-only language model (Radford et al. 2018): a stem, a trunk of causal blocks, and the score of each word. `forward` is for training,
 * `steps` reads a whole text, `decode` the next tokens of a text whose keys and values are in a state.
 */
import type { Engine } from '../engine/engine.js';
import { HeedError } from '../errors.js';
import { Linear } from '../nn/layers.js';
import { Module } from '../nn/module.js';
import type { PageDtype } from '../nn/pages.js';
import { type Kept, keptOf, Trunk } from '../nn/trunk.js';
import { activate } from '../ops/activation.js';
import { scale } from '../ops/elementwise.js';
import { linear } from '../ops/matmul.js';
import { drained } from '../steps.js';
import { type Tensor, tensor } from '../tensor.js';
import type { Architecture, DecoderChoices, DecoderDims, EncoderChoices, EncoderDims } from './architecture.js';
import { blockOf, normOf } from './blocks.js';
import { DecoderState } from './decoder_state.js';
import { Encoder } from './encoder.js';
import { Stem } from './stem.js';
import { lastOf, Tower, type TowerCall } from './tower.js';

/** A batch outside of the engine. */
export interface DecoderInputs {
  /** [B][T], right-padded to one length. */
  ids: Int32Array;
  shape: readonly [B: number, T: number];
  /** Tokens of each row that are not padding. */
  lengths?: readonly number[] | undefined;
}

/** Outputs of a language model. */
export interface DecoderOutputs {
  /** Scores [B, T, V], of all tokens or of the last ones. */
  logits: Tensor;
  /** Hidden states: the embeddings, then the output of each block, the last one behind the final norm. */
  hiddenStates: Tensor[];
  /** [B, H, T, tokens so far] of each block. */
  attentions: Tensor[];
}

/** Outputs that are wanted beside the logits. */
export interface DecoderWants {
  /** Number of tokens at the end whose logits are wanted. Default all. */
  last?: number | undefined;
  hiddenStates?: boolean | undefined;
  attentions?: boolean | undefined;
}

/** A causal language model: ids [B, T] → logits [B, T, V]. Architectures with `module: Decoder` become one. */
export class Decoder extends Module {
  /** Kind of model, by which loaders accept it. */
  static readonly kind = 'decoder';
  /** Number of blocks for given sizes. */
  static readonly layers = ({ L }: DecoderDims): number => L;
  /** The blocks without the scores of words: an encoder with causal attention. Hugging Face's classifiers score the state of a text's last token. */
  static readonly encoder = ({ dims, block, heads, ignored = [], ...rest }: Architecture<DecoderDims, DecoderChoices>) => ({
    ...(rest as object as Architecture<EncoderDims, EncoderChoices>),
    module: Encoder,
    dims: (...given: Parameters<typeof dims>): EncoderDims => ({ ...dims(...given), types: 0 }),
    block: (...given: Parameters<typeof block>): EncoderChoices => {
      const { positions = 'none', finalNorm = true, causal = true, embeddingNorm = false, ...own } = block(...given);
      return { ...own, positions, finalNorm, causal, embeddingNorm, pooler: false };
    },
    heads: {
      SequenceClassification: { choices: () => ({ reads: 'last', bias: false }) as const, weights: { 'head.out': 'score' } },
      ...heads,
    },
    ignored: [...ignored, /^(lm_head|embed_out|score|output)\./],
  });
  /** Numbers of the keys and values that states remember. */
  cacheDtype: PageDtype = 'float32';
  readonly #tower: Tower<Stem>;
  /** What scores words, unless their embeddings do. */
  #head: Linear | undefined;

  constructor(
    engine: Engine,
    /** Sizes. */
    readonly dims: DecoderDims,
    /** Choices of blocks. */
    readonly choices: DecoderChoices,
  ) {
    super(engine);
    const { C, L, V, eps } = dims;
    const { embeddingScale, embeddingNorm, positions, dropout, embeddingDropout = dropout, finalNorm = true, layer, tied, apart } = choices;
    const norm = normOf(eps, choices);
    const embeddings = { ...dims, packed: tied || apart, makePositions: positions, scale: embeddingScale, dropout: embeddingDropout };
    if (choices.causal === false)
      throw new HeedError('UNSUPPORTED', 'The tokens of this model see what comes after them: it writes nothing', {
        culprit: 'model',
        cure: 'Use AutoModel, which gives states',
      });
    const blocks = Array.from({ length: L }, (_, l) => blockOf(dims, { ...choices, ...layer?.(l) }, { causal: true }));
    const stem = this.child('embeddings', new Stem(engine, { ...embeddings, norm: embeddingNorm ? norm : undefined }));
    this.#tower = new Tower(stem, this.child('', new Trunk(engine, blocks, finalNorm ? norm : undefined)));
    if (!tied || apart) this.#head = this.child('lm_head', new Linear(engine, C, V, { bias: false, leastBits: 8 }));
  }

  /** Scores words by their embeddings from now on. */
  tie(): void {
    this.forget('lm_head');
    this.#head = undefined;
  }

  /** ids [B, T] int32, the rows' lengths without padding → logits [B, T, V]. */
  forward(ids: Tensor, lengths?: readonly number[]): Tensor {
    return this.engine.scope(() => drained(this.#scores(ids, { lengths }, {})));
  }

  /** The forward of a whole text, yielding after each block. Throws ARGUMENT for ids outside of the vocabulary and rows that are too long. */
  *steps({ ids, shape, lengths }: DecoderInputs, wants: DecoderWants = {}): Generator<void, DecoderOutputs> {
    return yield* this.#told(ids, shape, { lengths }, wants);
  }

  /** Starts an empty state. The caller disposes of it. `whole`: number of tokens of the prompt, where it is read in pieces. */
  start(whole = 0): DecoderState {
    return new DecoderState(this.engine, this.dims.L, { whole, dtype: this.cacheDtype, mixer: (l) => this.choices.layer?.(l).mixer });
  }

  /** Reads T further tokens for each row of a state, yielding after each block. Returned tensors belong to the enclosing scope. Throws as `steps`. */
  *decode(
    ids: Int32Array,
    shape: readonly [rows: number, T: number],
    state: DecoderState,
    wants: DecoderWants = {},
  ): Generator<void, DecoderOutputs> {
    const call = { from: state.from, whole: state.whole, caches: state };
    return yield* state.step(shape, () => this.#told(ids, shape, call, wants));
  }

  /** `true` where states can be truncated by any number of tokens: a convolution instead of attention keeps only its last inputs. */
  get forgets(): boolean {
    const { layer } = this.choices;
    return !layer || Array.from({ length: this.dims.L }, (_, l) => layer(l)).every(({ mixer }) => !mixer);
  }

  /** `true` where tokens are read with the same result in texts of a and of b tokens, and of all lengths between, so that a cached beginning serves both. Rotary frequencies may depend on the text's length. */
  readsAlike(a: number, b: number): boolean {
    return this.#tower.trunk.turnsAlike(a, b);
  }

  *#told(ids: Int32Array, shape: readonly [number, number], call: TowerCall, wants: DecoderWants): Generator<void, DecoderOutputs> {
    const kept = keptOf(wants);
    const entered = tensor(this.engine, ids, shape);
    const logits = yield* this.#scores(entered, call, kept, wants.last);
    entered.dispose();
    // The last yield: postponed launches are computed before the host reads the results.
    yield;
    const { hiddenStates = [], attentions = [] } = kept;
    return { logits, hiddenStates, attentions };
  }

  *#scores(ids: Tensor, call: TowerCall, kept: Kept, last?: number): Generator<void, Tensor> {
    const { positions } = this.dims;
    const { from = 0 } = call;
    const [T, all] = [ids.dim(1), ids.dim(1) + (typeof from === 'number' ? from : Math.max(...from))];
    if (T < 1 || all > positions)
      throw new HeedError('ARGUMENT', `Rows of ${all} tokens do not fit: the model takes 1 to ${positions}`, {
        culprit: 'input_ids',
        shape: ids.shape,
        cure: 'Truncate, or ask for fewer tokens',
      });
    const states = yield* this.#tower.steps(ids, call, kept);
    const logits = this.engine.scope(() => this.#scored(lastOf(states, last)));
    if (!kept.hiddenStates) states.dispose();
    return logits;
  }

  /** states [B, T, C] → [B, T, V] */
  #scored(states: Tensor): Tensor {
    const { logitsScale = 1, logitsCap } = this.choices;
    const scaled = logitsScale === 1 ? states : scale(states, logitsScale);
    const logits = this.#head ? this.#head.forward(scaled) : linear(scaled, this.#tower.stem.words.weight.operand);
    return logitsCap ? scale(activate(scale(logits, 1 / logitsCap), 'tanh'), logitsCap) : logits;
  }
}
