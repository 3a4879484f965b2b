/** Convolutions as layers, with PyTorch's names and keys. */
import type { Engine } from '../engine/engine.js';
import { checkOptions } from '../errors.js';
import type { Activation } from '../ops/activation.js';
import { expectBooleans, expectSizes } from '../ops/check.js';
import { checkGroups, convolve, type WindowOptions } from '../ops/convolution.js';
import { type TensorLike, withEntered } from '../ops/given.js';
import { reshape } from '../ops/shape.js';
import { isMatrix, type Tensor } from '../tensor.js';
import { uniform } from './init.js';
import { Module } from './module.js';
import type { Parameter } from './parameter.js';

/**
 * A convolution over a sequence: x [B, inChannels, L] → [B, outChannels, S], S = ⌊(L + 2 padding − kernelSize) / stride⌋ + 1. It is a product with windows of x, so that its weight
 * may be held in 8 bits.
 */
export class Conv1d extends Module {
  /** [outChannels, inChannels / groups, kernelSize]. */
  readonly weight: Parameter;
  /** [outChannels]; undefined without a bias. */
  readonly bias: Parameter | undefined;
  readonly #options: WindowOptions;
  readonly #groups: number;

  constructor(
    engine: Engine,
    /** Channels of x. */
    readonly inChannels: number,
    /** Channels of y. */
    readonly outChannels: number,
    /** Steps that a window has. */
    readonly kernelSize: number,
    options: WindowOptions & {
      /** Into how many parts channels fall, each of which makes its part of the output. Default 1. */
      groups?: number;
      /** Whether there is a bias. Default true. */
      bias?: boolean;
    } = {},
  ) {
    super(engine);
    checkOptions(options, ['stride', 'padding', 'groups', 'bias'], 'Conv1d');
    const { groups = 1, bias = true, ...window } = options;
    expectBooleans('Conv1d', { bias });
    expectSizes('Conv1d', 'sizes', [inChannels, outChannels, kernelSize]);
    checkGroups('Conv1d', groups, inChannels, outChannels);
    [this.#options, this.#groups] = [window, groups];
    const init = uniform(1 / Math.sqrt((inChannels / groups) * kernelSize));
    const shape = [outChannels, inChannels / groups, kernelSize];
    this.weight = this.parameter('weight', shape, { packed: true, parts: groups, leastBits: 8, init });
    if (bias) this.bias = this.parameter('bias', [outChannels], { init });
  }

  /** x [B, inChannels, L] → [B, outChannels, S], with an activation in the same pass where it is given. */
  forward(
    given: TensorLike,
    {
      activation,
    }: {
      /** Activation after the bias, in the same pass. */
      activation?: Activation | undefined;
    } = {},
  ): Tensor {
    const { kernelSize: kernel, outChannels: outputs } = this;
    const groups = this.#groups;
    const weight = (g: number) => {
      const own = this.weight.partOperand(g);
      return isMatrix(own) ? own : reshape(own, [outputs / groups, -1]);
    };
    return withEntered<[Tensor], Tensor>(this.engine, [given], (x) =>
      convolve(x, { kernel, groups, outputs, weight, bias: this.bias?.tensor }, { ...this.#options, activation }),
    );
  }
}
