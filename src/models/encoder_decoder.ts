/**
 * An encoder and a decoder that attends to it (Vaswani et al. 2017, fig. 1), of any registered architecture: embeddings, positions, two stacks, and
 * the scores of each token. `forward` is for training; `encode`, `start` and `decode` are for generation, which computes tokens one by one and keeps the
 * encoder's keys and values. Parameters: embedding.weight, transformer.encoder.layers.0 …, transformer.decoder.layers.0 …, and others by the architecture's choices.
 */
import type { Engine } from '../engine/engine.js';
import { HeedError } from '../errors.js';
import { initStack, normal } from '../nn/init.js';
import { Dropout, Embedding, Linear } from '../nn/layers.js';
import { Module } from '../nn/module.js';
import type { PageDtype } from '../nn/pages.js';
import type { Parameter } from '../nn/parameter.js';
import { keptOf, Trunk } from '../nn/trunk.js';
import { expectShape, expectTensor } from '../ops/check.js';
import { scale } from '../ops/elementwise.js';
import { linear } from '../ops/matmul.js';
import { cat, narrow, reshape } from '../ops/shape.js';
import type { Random } from '../random.js';
import { drained } from '../steps.js';
import { type Tensor, tensor } from '../tensor.js';
import type { ArchitectureKind, EncoderDecoderChoices, EncoderDecoderDims, Tables } from './architecture.js';
import { blockOf, normOf } from './blocks.js';
import { DecoderState } from './decoder_state.js';
import { Stem } from './stem.js';
import { lastOf, Tower } from './tower.js';
import { samplesOf, statesOf } from './waves.js';

export interface SourceInputs {
  /** [B][S], right-padded to one length. */
  ids: Int32Array;
  shape: readonly [B: number, S: number];
  /** Tokens of each source that are not padding. */
  lengths?: readonly number[] | undefined;
  /** [B][S], the position of each token. Default: 0 … S − 1. */
  places?: Int32Array | undefined;
}

/** What sources are instead of ids where they are heard: numbers [B, channels, steps], or samples [B, L]. */
export interface FeatureInputs {
  features: Float32Array;
  shape: readonly [B: number, channels: number, steps: number] | readonly [B: number, L: number];
  /** States of each source that are sound. Default: all. */
  lengths?: readonly number[] | undefined;
}

/** What is wanted beside the last hidden state, or the logits. */
export interface Wants {
  /** Number of tokens at the end whose logits are wanted. Default all. */
  last?: number | undefined;
  hiddenStates?: boolean | undefined;
  attentions?: boolean | undefined;
  /** Heads [layer, head] of the decoder's attention to the source that are wanted alone, in place of `attentions`. */
  crossHeads?: readonly (readonly [layer: number, head: number])[] | undefined;
}

export interface EncoderStates {
  /** [B, S, C] */
  lastHiddenState: Tensor;
  /** Hidden states: the embeddings, then each block's output, the last one behind the final norm where there is one. */
  hiddenStates: Tensor[];
  /** [B, H, S, S] of each block. */
  attentions: Tensor[];
}

export interface DecoderOutputs {
  /** [rows, T, V], or of the last tokens alone. */
  logits: Tensor;
  /** Hidden states of the decoder, [rows, T, C]. */
  hiddenStates: Tensor[];
  /** Self-attention weights [rows, H, T, tokens so far] of each block. */
  attentions: Tensor[];
  /** [rows, H, T, S] of each block; or [rows, T, S] of each of the heads that were wanted, layer after layer. */
  crossAttentions: Tensor[];
}

/**
 * An encoder and a decoder that attends to it: source ids [B, S], target ids [B, T] → logits [B, T, V]. Architectures with `module:
 * EncoderDecoder` become one.
 */
export class EncoderDecoder extends Module {
  /** Which loaders take it. */
  static readonly kind: ArchitectureKind = 'encoder-decoder';
  /** How many blocks some sizes have. */
  static readonly layers = ({ encoder, decoder }: EncoderDecoderDims): number => encoder.L + decoder.L;
  /** Embedding of the sources, and of the targets where they share it. */
  get embedding(): Embedding {
    return this.#tables.get(this.#reads.source) as Embedding;
  }
  /** The tables by their modules' names, and which of them is read where. */
  /** Numbers of the keys and values that states remember. */
  cacheDtype: PageDtype = 'float32';
  readonly #tables: ReadonlyMap<string, Embedding | Linear>;
  readonly #reads: Record<keyof Tables, string>;
  readonly #source: Tower;
  readonly #target: Tower;
  readonly #logitsBias: Parameter | undefined;

  constructor(
    engine: Engine,
    /** Sizes. */
    readonly dims: EncoderDecoderDims,
    /** Choices of blocks. */
    readonly choices: EncoderDecoderChoices,
  ) {
    super(engine);
    const { C, V, sourceV } = dims;
    const { tables, compared = [], dropout = 0, logitsBias, stem } = choices;
    // Tables that may turn out to be one lie alike, as a product reads them.
    const packed = (name: string) => name === tables.output || compared.includes(name);
    const rows: Record<string, number> = { encoder_embedding: sourceV, embedding: sourceV, decoder_embedding: V };
    const made = (name: string) =>
      name === 'lm_head'
        ? new Linear(engine, C, V, { bias: false, leastBits: 8 })
        : new Embedding(engine, rows[name] as number, C, { packed: packed(name) });
    this.#reads = { ...tables };
    const read: readonly string[] = [tables.source, tables.target, tables.output, ...compared];
    const names = [...Object.keys(rows), 'lm_head'].filter((name) => read.includes(name));
    this.#tables = new Map(names.map((name) => [name, this.child(name, made(name))]));
    const shared = this.child('dropout', new Dropout(engine, dropout));
    const trunks = [this.#trunk('encoder', false), this.#trunk('decoder', true)] as const;
    this.#source = stem
      ? new Tower(this.child('stem', stem(engine, dims, shared)), trunks[0])
      : this.#tower('encoder', 'source', trunks[0], shared);
    this.#target = this.#tower('decoder', 'target', trunks[1], shared);
    if (logitsBias) this.#logitsBias = this.parameter('final_logits_bias', [1, V]);
    // Hugging Face's models never train it.
    if (this.#logitsBias) this.#logitsBias.requiresGrad = false;
  }

  #trunk(side: 'encoder' | 'decoder', crosses: boolean): Trunk {
    const { engine, dims, choices } = this;
    const block = blockOf({ ...dims, ...dims[side] }, { ...choices, ...choices.sides?.[side] }, { causal: crosses, crosses });
    const blocks = Array.from({ length: dims[side].L }, () => block);
    return this.child(`transformer.${side}`, new Trunk(engine, blocks, choices.finalNorm ? block.norm : undefined));
  }

  #tower(side: 'encoder' | 'decoder', reads: 'source' | 'target', trunk: Trunk, dropout: Dropout): Tower {
    const { engine, dims, choices } = this;
    const { padding, embeddingScale, embeddingNorm, positions, relative } = choices;
    const norm = embeddingNorm ? normOf(dims.eps, choices) : undefined;
    const count = reads === 'source' ? choices.count : undefined;
    const spec = { ...dims, padding, scale: embeddingScale, makePositions: positions, count, norm };
    const words = () => this.#tables.get(this.#reads[reads]) as Embedding;
    const place = { words, dropout, position: `${side}_positions`, norm: `${side}_embedding_norm` };
    const bias = relative && this.child(`${side}_positions`, relative(engine, dims[side].H, side === 'encoder'));
    return new Tower(this.child('', new Stem(engine, spec, place)), trunk, bias);
  }

  /** Replaces `copy` by `table` in all its uses. */
  tie(copy: string, table: string): void {
    for (const use of Object.keys(this.#reads) as (keyof Tables)[]) if (this.#reads[use] === copy) this.#reads[use] = table;
  }

  /** Frees the tables that nothing reads. */
  tied(): void {
    const read = Object.values(this.#reads);
    for (const name of this.#tables.keys()) if (!read.includes(name)) this.forget(name);
  }

  /** Tables are normal with variance 1 / C, the stacks' matrices Xavier's. */
  protected override initParameter(name: string, parameter: Parameter, random: Random): void {
    if (name.startsWith('transformer.')) initStack(parameter, random);
    else parameter.init(random, /(embedding|positions)\.weight$/.test(name) ? normal(1 / Math.sqrt(this.dims.C)) : undefined);
  }

  /** The last states [B, T, C] → the score of each token [B, T, V]. */
  #score(states: Tensor): Tensor {
    const { logitsScale = 1 } = this.choices;
    const h = logitsScale === 1 ? states : scale(states, logitsScale);
    const { weight } = this.#tables.get(this.#reads.output) as Embedding | Linear;
    const bias = this.#logitsBias?.complete ? reshape(this.#logitsBias.tensor, [this.dims.V]) : undefined;
    return linear(h, weight.operand, bias);
  }

  /**
   * Teacher forcing: source [B, S], or [B, channels, steps] of features, target [B, T] int32, the sources' lengths → logits [B, T, V]. Targets may be padded: what they are padded
   * with is not seen by what stands before it.
   */
  forward(source: Tensor, target: Tensor, lengths?: readonly number[]): Tensor {
    return this.engine.scope(() => {
      const T = target.dim(1);
      this.#expectSource(source.shape, 'source');
      this.#expectPositions(T, target.shape, 'target');
      const memory = drained(this.#source.steps(source, { lengths }));
      return this.#score(drained(this.#target.steps(target, { memory, cross: { lengths } })));
    });
  }

  /**
   * Reads the sources, yielding after each block. What it gives is the scope's around it. Throws ARGUMENT for ids out of the vocabulary and rows that are too long, SHAPE for features
   * that are not the model's.
   */
  *encode(inputs: SourceInputs | FeatureInputs, wants: Wants = {}): Generator<void, EncoderStates> {
    const isHeard = 'features' in inputs;
    this.#expectSource(inputs.shape, isHeard ? (this.dims.waves ? 'input_values' : 'input_features') : 'input_ids');
    const kept = keptOf(wants);
    const source = tensor(this.engine, isHeard ? inputs.features : inputs.ids, inputs.shape);
    const { lengths, places }: Pick<SourceInputs, 'lengths' | 'places'> = inputs;
    const lastHiddenState = yield* this.#source.steps(source, { lengths, places }, kept);
    source.dispose();
    const { hiddenStates = [], attentions = [] } = kept;
    return { lastHiddenState, hiddenStates, attentions };
  }

  /** Starts a decoder state over the encoder's states [B, S, C], a row for each, with as many of them as the source is long. The caller disposes of it. */
  start(states: Tensor, lengths?: readonly number[]): DecoderState {
    expectTensor('start', 'states', states);
    expectShape('start', 'states', states, [states.dim(0), states.dim(1), this.dims.C]);
    const state = new DecoderState(this.engine, this.dims.decoder.L, { crosses: true, dtype: this.cacheDtype });
    try {
      this.#target.trunk.remember(state.cross, states, lengths);
      return state.begun();
    } catch (error) {
      state.dispose();
      throw error;
    }
  }

  /**
   * Reads T further tokens for each row of a state, yielding after each block. Returned tensors belong to the enclosing scope. Throws
   * ARGUMENT for ids outside the vocabulary and more tokens than positions, and SHAPE where the rows are not the state's.
   */
  *decode(
    ids: Int32Array,
    shape: readonly [rows: number, T: number],
    state: DecoderState,
    wants: Wants = {},
  ): Generator<void, DecoderOutputs> {
    const { engine } = this;
    const T = shape[1];
    const { crossHeads } = wants;
    const kept = { ...keptOf(wants), ...(crossHeads && { crossAttentions: headsOf(crossHeads) }) };
    this.#expectPositions(state.length + T, shape, 'decoder_input_ids', T);
    const call = { from: state.from, caches: state };
    const target = tensor(engine, ids, shape);
    const states = yield* state.step(shape, () => this.#target.steps(target, call, kept));
    target.dispose();
    const logits = engine.scope(() => this.#score(lastOf(states, wants.last)));
    if (!wants.hiddenStates) states.dispose();
    // The last yield: postponed launches are computed before the host reads the results.
    yield;
    const { hiddenStates = [], attentions = [], crossAttentions = [] } = kept;
    return { logits, hiddenStates, attentions, crossAttentions };
  }

  #expectSource(shape: readonly number[], culprit: string): void {
    const { features, waves } = this.dims;
    if (!features && !waves) {
      this.#expectPositions(shape[1] as number, shape, culprit);
      return;
    }
    const { channels, steps } = features ?? {};
    const fits = waves ? shape.length === 2 && statesOf(shape[1] as number, waves) >= 1 : shape[1] === channels && shape[2] === steps;
    if (fits) return;
    const heard = waves ? `[B, L], ${samplesOf(1, waves)} samples or more` : `[B, ${channels}, ${steps}]`;
    throw new HeedError('SHAPE', `${culprit} is [${shape}], the model hears ${heard}`, {
      culprit,
      shape,
      cure: 'Make features with the extractor of this model, which pads and cuts',
    });
  }

  #expectPositions(tokens: number, shape: readonly number[], culprit: string, given = tokens): void {
    if (given >= 1 && tokens <= this.dims.positions) return;
    const message = `Rows of ${tokens} tokens do not fit: the model takes 1 to ${this.dims.positions}`;
    throw new HeedError('ARGUMENT', message, {
      culprit,
      shape,
      cure: 'Truncate, ask for fewer tokens, or give empty texts their special tokens',
    });
  }
}

/** A list that takes layers' weights [rows, H, T, S], one after the other, and keeps those of some heads: of a large model all would be gigabytes. */
function headsOf(wanted: NonNullable<Wants['crossHeads']>): Tensor[] {
  const list: Tensor[] = [];
  let layer = 0;
  const take = (weight: Tensor) => {
    const [rows, , T, S] = weight.shape as [number, number, number, number];
    // A copy, since a view would hold all of them.
    for (const [l, head] of wanted)
      if (l === layer) Array.prototype.push.call(list, reshape(cat([narrow(weight, 1, head, 1)], 1), [rows, T, S]));
    layer++;
  };
  list.push = (...weights) => {
    weights.forEach(take);
    return list.length;
  };
  return list;
}

/** The same of sources that are heard. Architectures with `module: SpeechEncoderDecoder` become one. */
export class SpeechEncoderDecoder extends EncoderDecoder {
  static override readonly kind = 'speech encoder-decoder';
}
