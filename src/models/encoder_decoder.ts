/**
 * An encoder and a decoder that writes what it reads of (Vaswani et al. 2017, fig. 1), of any registered architecture: embeddings, positions, two stacks, and
 * the scores of each token. `forward` is for training; `encode`, `start` and `decode` are for generation, which asks for tokens one by one and keeps what
 * they have in common. Keys: embedding.weight, transformer.encoder.layers.0 …, transformer.decoder.layers.0 …, and what an architecture chooses beside.
 */
import type { Engine } from '../engine/engine.js';
import { HeedError } from '../errors.js';
import { normal } from '../nn/init.js';
import { Dropout, Embedding, Linear } from '../nn/layers.js';
import { Module } from '../nn/module.js';
import type { Norm } from '../nn/norm.js';
import type { Parameter } from '../nn/parameter.js';
import { LearnedPositions, RelativeBias, SinusoidalPositions } from '../nn/positions.js';
import { initStack, TransformerDecoder, TransformerEncoder } from '../nn/stacks.js';
import { normOf, TransformerDecoderLayer, TransformerEncoderLayer } from '../nn/transformer.js';
import { expectShape, expectTensor } from '../ops/check.js';
import { add, scale } from '../ops/elementwise.js';
import { linear } from '../ops/matmul.js';
import { reshape } from '../ops/shape.js';
import type { Random } from '../random.js';
import { type Tensor, tensor } from '../tensor.js';
import type { EncoderDecoderChoices, EncoderDecoderDims, StackDims, Tables } from './architecture.js';
import { DecoderState } from './decoder_state.js';
import { through } from './through.js';

export interface SourceInputs {
  /** [B][S], right-padded to one length. */
  ids: Int32Array;
  shape: readonly [B: number, S: number];
  /** Tokens of each source that are not padding. */
  lengths?: readonly number[] | undefined;
  /** [B][S], the position of each token. Default: 0 … S − 1. */
  places?: Int32Array | undefined;
}

/** What is wanted beside the last hidden state, or the logits. */
export interface Wants {
  hiddenStates?: boolean | undefined;
  attentions?: boolean | undefined;
}

export interface EncoderStates {
  /** [B, S, C] */
  lastHiddenState: Tensor;
  /** The embeddings, then what each block gives, the last behind the final norm where there is one. */
  hiddenStates: Tensor[];
  /** [B, H, S, S] of each block. */
  attentions: Tensor[];
}

export interface DecoderOutputs {
  /** [rows, T, V] */
  logits: Tensor;
  /** As the encoder's, [rows, T, C]. */
  hiddenStates: Tensor[];
  /** [rows, H, T, tokens so far] of each block. */
  attentions: Tensor[];
  /** [rows, H, T, S] of each block. */
  crossAttentions: Tensor[];
}

/** How ids enter a stack. */
interface Entrance {
  reads: 'source' | 'target';
  /** Vectors that are added. */
  positions: SinusoidalPositions | LearnedPositions | undefined;
  /** What is added to the scores of self-attention. */
  bias: RelativeBias | undefined;
  norm: Norm | undefined;
}

/**
 * An encoder and a decoder that attends to it: source ids [B, S], target ids [B, T] → logits [B, T, V]. Architectures with `module:
 * EncoderDecoder` become one.
 */
export class EncoderDecoder extends Module {
  /** Which loaders take it. */
  static readonly kind = 'encoder-decoder';
  /** How many blocks some sizes have. */
  static readonly layers = ({ encoder, decoder }: EncoderDecoderDims): number => encoder.L + decoder.L;
  /** The sources'; the targets' too where they share one. */
  get embedding(): Embedding {
    return this.#tables.get(this.#reads.source) as Embedding;
  }
  /** The tables by their modules' names, and which of them is read where. */
  readonly #tables: ReadonlyMap<string, Embedding | Linear>;
  readonly #reads: Record<keyof Tables, string>;
  readonly #encoder: TransformerEncoder;
  readonly #decoder: TransformerDecoder;
  readonly #source: Entrance;
  readonly #target: Entrance;
  readonly #dropout: Dropout;
  readonly #logitsBias: Parameter | undefined;

  constructor(
    engine: Engine,
    /** Its sizes. */
    readonly dims: EncoderDecoderDims,
    /** What its blocks are like. */
    readonly choices: EncoderDecoderChoices,
  ) {
    super(engine);
    const { C, V, sourceV, eps } = dims;
    const { tables, compared = [], dropout = 0, finalNorm, logitsBias } = choices;
    // Tables that may turn out to be one lie alike, as a product reads them.
    const packed = (name: string) => name === tables.output || compared.includes(name);
    const rows: Record<string, number> = { encoder_embedding: sourceV, embedding: sourceV, decoder_embedding: V };
    const made = (name: string) =>
      name === 'lm_head'
        ? new Linear(engine, C, V, { bias: false })
        : new Embedding(engine, rows[name] as number, C, { packed: packed(name) });
    this.#reads = { ...tables };
    const read: readonly string[] = [tables.source, tables.target, tables.output, ...compared];
    const names = [...Object.keys(rows), 'lm_head'].filter((name) => read.includes(name));
    this.#tables = new Map(names.map((name) => [name, this.child(name, made(name))]));
    const layer = { ...this.#layerOptions(), layerNormEps: eps };
    const sized = ({ F, D }: StackDims) => ({ ...layer, dimFeedforward: F, headDim: D });
    const { encoder, decoder } = dims;
    const norm = () => (finalNorm ? normOf(engine, C, layer) : undefined);
    const encoderLayer = () => new TransformerEncoderLayer(engine, C, encoder.H, sized(encoder));
    const decoderLayer = () => new TransformerDecoderLayer(engine, C, decoder.H, sized(decoder));
    this.#encoder = this.child('transformer.encoder', new TransformerEncoder(engine, encoderLayer, encoder.L, norm()));
    this.#decoder = this.child('transformer.decoder', new TransformerDecoder(engine, decoderLayer, decoder.L, norm()));
    this.#source = this.#entrance('encoder', encoder.H);
    this.#target = this.#entrance('decoder', decoder.H);
    if (logitsBias) this.#logitsBias = this.parameter('final_logits_bias', [1, V]);
    // Hugging Face's models never train it.
    if (this.#logitsBias) this.#logitsBias.requiresGrad = false;
    this.#dropout = this.child('dropout', new Dropout(engine, dropout));
  }

  /** What `copy` was read for is the table's from now on. */
  tie(copy: string, table: string): void {
    for (const use of Object.keys(this.#reads) as (keyof Tables)[]) if (this.#reads[use] === copy) this.#reads[use] = table;
  }

  /** Frees the tables that nothing reads. */
  tied(): void {
    const read = Object.values(this.#reads);
    for (const name of this.#tables.keys()) if (!read.includes(name)) this.forget(name);
  }

  #layerOptions() {
    const { place, activation, norm = 'layer', gated = false, bias = true, attentionScale } = this.choices;
    const { dropout = 0, attentionDropout, activationDropout } = this.choices;
    const drops = { dropout, attentionDropout, activationDropout };
    return { normFirst: place === 'pre', batchFirst: true, activation, norm, gated, bias, attentionScale, ...drops };
  }

  /** Declares what stands between ids and a stack. */
  #entrance(side: 'encoder' | 'decoder', H: number): Entrance {
    const { engine, dims, choices } = this;
    const { C, positions: most, eps } = dims;
    const { positions: chosen, embeddingNorm, norm = 'layer', bias = true } = choices;
    const name = `${side}_positions`;
    const positions =
      chosen.kind === 'sinusoidal'
        ? this.child(name, new SinusoidalPositions(engine, C, chosen.layout))
        : chosen.kind === 'learned'
          ? this.child(name, new LearnedPositions(engine, most, C, chosen.offset))
          : undefined;
    const relative = chosen.kind === 'relative' ? chosen : undefined;
    const bidirectional = side === 'encoder';
    return {
      ...{ reads: bidirectional ? 'source' : 'target', positions },
      bias: relative && this.child(name, new RelativeBias(engine, H, { ...bucketsOf(relative), bidirectional })),
      norm: embeddingNorm ? this.child(`${side}_embedding_norm`, normOf(engine, C, { norm, layerNormEps: eps, bias })) : undefined,
    };
  }

  /** Tables are normal with variance 1 / C, the stacks' matrices Xavier's. */
  protected override initParameter(name: string, parameter: Parameter, random: Random): void {
    if (name.startsWith('transformer.')) initStack(parameter, random);
    else parameter.init(random, /(embedding|positions)\.weight$/.test(name) ? normal(1 / Math.sqrt(this.dims.C)) : undefined);
  }

  /** ids [B, T], which stand on positions `from` …, or each on its own → [B, T, C] */
  #embed({ reads, positions, norm }: Entrance, ids: Tensor, from: number | Int32Array = 0): Tensor {
    const { padding: paddingIdx, embeddingScale = 1 } = this.choices;
    const rows = (this.#tables.get(this.#reads[reads]) as Embedding).forward(ids, { paddingIdx });
    const scaled = embeddingScale === 1 ? rows : scale(rows, embeddingScale);
    const vectors = typeof from === 'number' ? positions?.forward(ids.dim(1), from) : positions?.at(tensor(this.engine, from, ids.shape));
    const placed = vectors ? add(scaled, vectors) : scaled;
    return this.#dropout.forward(norm ? norm.forward(placed) : placed);
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
   * Teacher forcing: source [B, S], target [B, T] int32, the sources' lengths → logits [B, T, V]. Targets may be padded: what they are padded with is
   * not seen by what stands before it.
   */
  forward(source: Tensor, target: Tensor, lengths?: readonly number[]): Tensor {
    return this.engine.scope(() => {
      const [S, T] = [source.dim(1), target.dim(1)];
      this.#expectPositions(S, source.shape, 'source');
      this.#expectPositions(T, target.shape, 'target');
      const [x, y] = [this.#embed(this.#source, source), this.#embed(this.#target, target)];
      const memory = this.#encoder.forward(x, { lengths, mask: this.#source.bias?.view(S, S) });
      const tgt = { isCausal: true, mask: this.#target.bias?.view(T, T) };
      return this.#score(this.#decoder.forward(y, memory, { tgt, memory: { lengths } }));
    });
  }

  /** Reads the sources, yielding after each block. What it gives is the scope's around it. Throws ARGUMENT for ids out of the vocabulary and rows that are too long. */
  *encode({ ids, shape, lengths, places }: SourceInputs, wants: Wants = {}): Generator<void, EncoderStates> {
    const { engine } = this;
    const S = shape[1];
    this.#expectPositions(S, shape, 'input_ids');
    const hiddenStates: Tensor[] = [];
    const attentions: Tensor[] = [];
    const onWeights = wants.attentions ? (weights: Tensor) => attentions.push(weights) : undefined;
    const { x, mask } = engine.scope(() => ({
      x: this.#embed(this.#source, tensor(engine, ids, shape), places),
      mask: places ? this.#source.bias?.between(tensor(engine, places, shape)) : this.#source.bias?.view(S, S),
    }));
    yield;
    const lastHiddenState = yield* through(this.#encoder, x, wants.hiddenStates ? hiddenStates : undefined, (layer, h) =>
      layer.forward(h, { lengths, mask, onWeights }),
    );
    mask?.dispose();
    return { lastHiddenState, hiddenStates, attentions };
  }

  /** What the decoder remembers of the encoder's states [B, S, C]: a row for each. The caller disposes of it. */
  start(states: Tensor, lengths?: readonly number[]): DecoderState {
    expectTensor('start', 'states', states);
    expectShape('start', 'states', states, [states.dim(0), states.dim(1), this.dims.C]);
    const state = new DecoderState(this.engine, this.dims.decoder.L, lengths);
    try {
      for (const [l, layer] of this.#decoder.layers.entries()) layer.remember(state.cross[l] as DecoderState['cross'][number], states);
      return state;
    } catch (error) {
      state.dispose();
      throw error;
    }
  }

  /**
   * Goes on with T tokens for each row of a state, the first ones or the next, yielding after each block. What it gives is the scope's around it. Throws
   * ARGUMENT for ids out of the vocabulary, more tokens than there are positions, and SHAPE where the rows are not the state's.
   */
  *decode(
    ids: Int32Array,
    shape: readonly [rows: number, T: number],
    state: DecoderState,
    wants: Wants = {},
  ): Generator<void, DecoderOutputs> {
    const { engine } = this;
    const [rows, T] = shape;
    state.expectAlive();
    if (rows !== state.rows)
      throw new HeedError('SHAPE', `decode: ids are [${shape}], the state has ${state.rows} rows`, { culprit: 'ids', shape });
    const hiddenStates: Tensor[] = [];
    const attentions: Tensor[] = [];
    const crossAttentions: Tensor[] = [];
    const into = (list: Tensor[]) => (wants.attentions ? (weights: Tensor) => void list.push(weights) : undefined);
    const [onWeights, onCrossWeights] = [into(attentions), into(crossAttentions)];
    const from = state.length;
    this.#expectPositions(from + T, shape, 'decoder_input_ids', T);
    const { embed, target } = { embed: this.#embed.bind(this), target: this.#target };
    const { lengths } = state;
    const stack = this.#decoder;
    const last = yield* state.step(T, function* () {
      const { x, mask } = engine.scope(() => ({
        x: embed(target, tensor(engine, ids, shape), from),
        mask: target.bias?.view(T, from + T, from),
      }));
      const states = yield* through(stack, x, wants.hiddenStates ? hiddenStates : undefined, (layer, h, l) =>
        layer.forward(h, undefined, {
          tgt: { isCausal: true, cache: state.self[l], mask, onWeights },
          memory: { cache: state.cross[l], lengths, onWeights: onCrossWeights },
        }),
      );
      mask?.dispose();
      return states;
    });
    const logits = engine.scope(() => this.#score(last));
    if (!wants.hiddenStates) last.dispose();
    // Whoever looks at them finds them done.
    yield;
    return { logits, hiddenStates, attentions, crossAttentions };
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

const bucketsOf = ({ buckets, maxDistance }: { buckets: number; maxDistance: number }) => ({ buckets, maxDistance });
