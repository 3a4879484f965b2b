/** The simple layers: Linear, Embedding, LayerNorm, RMSNorm, Dropout. Names and defaults are PyTorch's. */
import type { Engine } from '../engine/engine.js';
import { checkOptions } from '../errors.js';
import { expectBooleans, expectSizes, wrongArgument } from '../ops/check.js';
import { dropout } from '../ops/dropout.js';
import { type EmbeddingOptions, embedding } from '../ops/embedding.js';
import { entered, type Given, type TensorLike } from '../ops/given.js';
import type { LinearOptions } from '../ops/matmul.js';
import { checkEps, layerNorm, rmsNorm } from '../ops/norm.js';
import { narrow } from '../ops/shape.js';
import type { Tensor } from '../tensor.js';
import { product } from './additions.js';
import { type Init, linearInit, normal, ones, uniform } from './init.js';
import { Module } from './module.js';
import type { Parameter } from './parameter.js';

/**
 * y = x Wᵀ + b: [..., inFeatures] → [..., outFeatures]
 * @example
 * ```js
 * const linear = new Linear(engine, 2, 1).init(0);
 * const y = linear.forward(tensor(engine, [[1, 2], [3, 4]])); // [2, 1]
 * ```
 */
export class Linear extends Module {
  /** [outFeatures, inFeatures]. */
  readonly weight: Parameter;
  /** [outFeatures]; undefined without a bias. */
  readonly bias: Parameter | undefined;
  /** Outputs of one part. */
  readonly #width: number;

  constructor(
    engine: Engine,
    /** Width of x. */
    readonly inFeatures: number,
    /** Width of y. */
    readonly outFeatures: number,
    options: {
      /** The fewest bits that the weight is held in where a whole model is asked for 4. Default 4. */
      leastBits?: 4 | 8;
      /** `true` for a bias. Default true. */
      bias?: boolean;
      /** Initial values of the bias. Default uniform within 1 / √inFeatures, as in PyTorch. */
      biasInit?: Init;
      /** Number of layers of equal width that are stacked; `part` runs one. Default 1. */
      parts?: number;
    } = {},
  ) {
    super(engine);
    checkOptions(options, ['bias', 'biasInit', 'leastBits', 'parts'], 'Linear');
    expectBooleans('Linear', { bias: options.bias });
    expectSizes('Linear', 'features', [inFeatures, outFeatures]);
    const { parts = 1, leastBits = 4 } = options;
    if (leastBits !== 4 && leastBits !== 8) throw wrongArgument('Linear', 'leastBits', leastBits, 'It is 4 or 8');
    if (!(Number.isSafeInteger(parts) && parts >= 1 && outFeatures % parts === 0))
      throw wrongArgument('Linear', 'parts', parts, `It is a divisor of ${outFeatures}`);
    this.#width = outFeatures / parts;
    this.weight = this.parameter('weight', [outFeatures, inFeatures], { packed: true, parts, leastBits, adapts: true, init: linearInit });
    const { biasInit = uniform(1 / Math.sqrt(inFeatures)) } = options;
    if (options.bias !== false) this.bias = this.parameter('bias', [outFeatures], { init: biasInit });
  }

  /** `options` fuse what comes after: an activation, a residual. */
  forward(x: TensorLike, options?: Given<LinearOptions>): Tensor {
    return product(x, this.weight, () => this.bias?.tensor, options);
  }

  /** Runs one of the stacked layers: [..., inFeatures] → [..., outFeatures / parts] */
  part(index: number, x: TensorLike, options?: Given<LinearOptions>): Tensor {
    const bias = () => this.bias && narrow(this.bias.tensor, 0, index * this.#width, this.#width);
    return product(x, this.weight, bias, options, index);
  }
}

/** Rows of a table by number: [...] int32 → [..., embeddingDim]. */
export class Embedding extends Module {
  /** The table, [numEmbeddings, embeddingDim]. */
  readonly weight: Parameter;

  constructor(
    engine: Engine,
    /** Rows of the table: ids are less. */
    readonly numEmbeddings: number,
    /** Channels of a row. */
    readonly embeddingDim: number,
    options: {
      /** `true` where the table is also a product's weight, and therefore lies in panels. Default false. */
      packed?: boolean;
      /** `true` where a q8 model holds the table in 8 bits. Default true. */
      quantizable?: boolean;
    } = {},
  ) {
    super(engine);
    checkOptions(options, ['packed', 'quantizable'], 'Embedding');
    expectBooleans('Embedding', options);
    const { packed = false, quantizable = true } = options;
    this.weight = this.parameter('weight', [numEmbeddings, embeddingDim], { packed, quantizable, leastBits: 8, init: normal() });
  }

  /** [...] int32 → [..., embeddingDim]. Throws ARGUMENT for an id that has no row. */
  forward(ids: TensorLike, options?: EmbeddingOptions): Tensor {
    return embedding(ids, this.weight.operand, options);
  }
}

/** Layer norm over the last axis (arXiv 1607.06450). */
export class LayerNorm extends Module {
  /** Factor of each channel, [C]. */
  readonly weight: Parameter;
  /** Bias of each channel, [C]; undefined without a bias. */
  readonly bias: Parameter | undefined;
  /** Number added to the variance. Default 1e-5. */
  readonly eps: number;

  constructor(
    engine: Engine,
    normalizedShape: number,
    options: {
      /** Number added to the variance. Default 1e-5. */
      eps?: number;
      /** `true` for a bias. Default true. */
      bias?: boolean;
    } = {},
  ) {
    super(engine);
    checkOptions(options, ['eps', 'bias'], 'LayerNorm');
    expectBooleans('LayerNorm', { bias: options.bias });
    this.eps = checkEps('LayerNorm', options.eps ?? 1e-5);
    this.weight = this.parameter('weight', [normalizedShape], { init: ones });
    if (options.bias !== false) this.bias = this.parameter('bias', [normalizedShape]);
  }

  /** [..., C] → [..., C]. */
  forward(x: TensorLike): Tensor {
    return layerNorm(x, this.weight.tensor, this.bias?.tensor, { eps: this.eps });
  }
}

/** Root-mean-square norm over the last axis (Zhang & Sennrich 2019). */
export class RMSNorm extends Module {
  /** Factor of each channel, [C], less the offset. */
  readonly weight: Parameter;
  /** Number added to the mean square. Default 1e-6. */
  readonly eps: number;
  /** Number added to the weight. */
  readonly offset: number;

  constructor(
    engine: Engine,
    normalizedShape: number,
    options: {
      /** Number added to the mean square. Default 1e-6. */
      eps?: number;
      /** Number added to the weight, which then begins at 1 − offset. Default 0; Gemma's norms have 1. */
      offset?: number;
    } = {},
  ) {
    super(engine);
    checkOptions(options, ['eps', 'offset'], 'RMSNorm');
    this.eps = checkEps('RMSNorm', options.eps ?? 1e-6);
    this.offset = options.offset ?? 0;
    this.weight = this.parameter('weight', [normalizedShape], { init: (values) => void values.fill(1 - this.offset) });
  }

  /** [..., C] → [..., C]. */
  forward(x: TensorLike): Tensor {
    return rmsNorm(x, this.weight.tensor, { eps: this.eps, offset: this.offset });
  }
}

/** Throws ARGUMENT for a value that is no probability. */
export function checkProbability(where: string, name: string, p: number): number {
  if (!(typeof p === 'number' && p >= 0 && p <= 1)) throw wrongArgument(where, name, p, 'It is a number from 0 to 1');
  return p;
}

/** In training, zeroes each element with probability p and scales the others to make up for it (Srivastava et al. 2014). Otherwise returns x unchanged. */
export class Dropout extends Module {
  /** Probability that an element is zeroed, from 0 to 1. Default 0.5. */
  readonly p: number;

  constructor(engine: Engine, p = 0.5) {
    super(engine);
    this.p = checkProbability('Dropout', 'p', p);
  }

  /** `true` where something drops: in training, with p above 0. */
  get active(): boolean {
    return this.training && this.p > 0;
  }

  /** x of any shape → the same shape; x itself where nothing drops. */
  forward(given: TensorLike): Tensor {
    const x = entered<Tensor>(given, this.engine);
    return this.active ? dropout(x, this.p, this.dropoutKey()) : x;
  }
}
