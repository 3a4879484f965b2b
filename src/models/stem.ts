/**
 * The stem, from token ids to a trunk's states: words plus token types and positions, a norm, and a projection where embeddings have other channels than states.
 *
 *   x = projection(dropout(norm(scale · word[ids] + type + position)))
 */
import type { Engine } from '../engine/engine.js';
import { Dropout, Embedding, Linear } from '../nn/layers.js';
import { Module } from '../nn/module.js';
import { makeNorm, type Norm, type NormSpec } from '../nn/norm.js';
import type { AddedPositions, PositionCount, PositionsMaker } from '../nn/positions.js';
import { add, scale } from '../ops/elementwise.js';
import { contiguous, expand, narrow } from '../ops/shape.js';
import { type Tensor, tensor } from '../tensor.js';

/** Specification of a stem. */
export interface StemSpec {
  /** Channels of states, and of embeddings where they differ. */
  C: number;
  E?: number | undefined;
  /** Words; and the most tokens of a row. */
  V: number;
  positions: number;
  /** `true` where word embeddings also score words, and therefore lie in the layout of products. Default false. */
  packed?: boolean | undefined;
  /** Token whose embedding gets no gradient. Default none. */
  padding?: number | undefined;
  /** Factor of word embeddings. Default 1. */
  scale?: number | undefined;
  /** Vectors of positions that are added, and each token's position, unless it is 0 … T − 1. Default none. */
  makePositions?: PositionsMaker | undefined;
  count?: PositionCount | undefined;
  /** Types of tokens. Default none. */
  types?: number | undefined;
  norm?: NormSpec | undefined;
  /** Dropout in training, as a share. Default 0. */
  dropout?: number | undefined;
}

/** Modules that two stems of one model share, and a model's names of its stem's modules. */
export interface StemPlace {
  words?: () => Embedding;
  dropout?: Dropout;
  position?: string;
  norm?: string;
}

/** Token types and positions of a call. */
export interface StemCall {
  /** Token types, [B, T] int32. Default: all 0. */
  types?: Tensor | undefined;
  /** Position of the first token, or a list with that of each row. Default 0. */
  from?: number | readonly number[] | undefined;
  /** [B][T], the position of each token, where it is not that and on. */
  places?: Int32Array | undefined;
}

/** [B][T], those of T tokens of each row from its own on. */
const placesFrom = (from: readonly number[], T: number): Int32Array =>
  Int32Array.from({ length: from.length * T }, (_, i) => (from[Math.floor(i / T)] as number) + (i % T));

/** Embeddings: ids [B, T] int32 → [B, T, C]. */
export class Stem extends Module {
  readonly #spec: StemSpec;
  readonly #words: () => Embedding;
  readonly #positions: AddedPositions | undefined;
  readonly #types: Embedding | undefined;
  readonly #norm: Norm | undefined;
  readonly #dropout: Dropout;
  readonly #projection: Linear | undefined;

  constructor(engine: Engine, spec: StemSpec, { words, dropout, position = 'position', norm = 'norm' }: StemPlace = {}) {
    super(engine);
    const { C, E = C, V, packed = false, types = 0 } = spec;
    this.#spec = spec;
    const own = words ? undefined : this.child('word', new Embedding(engine, V, E, { packed }));
    this.#words = words ?? (() => own as Embedding);
    if (spec.makePositions) this.#positions = this.child(position, spec.makePositions(engine, E, spec.positions));
    if (types > 0) this.#types = this.child('type', new Embedding(engine, types, E, { quantizable: false }));
    if (spec.norm) this.#norm = this.child(norm, makeNorm(engine, E, spec.norm));
    this.#dropout = dropout ?? this.child('dropout', new Dropout(engine, spec.dropout ?? 0));
    if (E !== C) this.#projection = this.child('projection', new Linear(engine, E, C));
  }

  /** The table of words. */
  get words(): Embedding {
    return this.#words();
  }

  forward(ids: Tensor, call: StemCall = {}): Tensor {
    const { padding, scale: factor = 1 } = this.#spec;
    const rows = this.words.forward(ids, { paddingIdx: padding });
    const words = factor === 1 ? rows : scale(rows, factor);
    const rest = this.#rest(ids, call);
    const sum = rest ? add(words, rest) : words;
    const x = this.#dropout.forward(this.#norm ? this.#norm.forward(sum) : sum);
    return this.#projection ? this.#projection.forward(x) : x;
  }

  /** Sum that is added to words: [B, T, E], or, where all rows have the same, [T, E]. */
  #rest(ids: Tensor, { types, ...call }: StemCall): Tensor | undefined {
    const positions = this.#places(ids, call);
    if (!this.#types) return positions;
    if (types) return positions ? add(this.#types.forward(types), positions) : this.#types.forward(types);
    const first = narrow(this.#types.weight.tensor, 0, 0, 1);
    return positions ? add(expand(first, positions.shape), positions) : first;
  }

  #places(ids: Tensor, { from = 0, places }: StemCall): Tensor | undefined {
    const { engine } = ids;
    const T = ids.dim(1);
    const counted = this.#spec.count?.(engine.heap.ints(contiguous(ids).ptr, ids.size), T);
    const each = counted ?? places ?? (typeof from === 'number' ? undefined : placesFrom(from, T));
    return each ? this.#positions?.at(tensor(engine, each, ids.shape)) : this.#positions?.forward(T, from as number);
  }
}
