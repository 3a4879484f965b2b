/** Convolutions over planes as layers, with PyTorch's keys and weights. Their channels are innermost: x [B, H, W, C]. */
import type { Engine } from '../engine/engine.js';
import type { Activation } from '../ops/activation.js';
import { type BatchNormOptions, batchNorm } from '../ops/batch_norm.js';
import type { WindowOptions } from '../ops/convolution.js';
import { convolve2d, convolveTransposed2d, depthwise2d, type PlaneOptions } from '../ops/convolution2d.js';
import { reshape } from '../ops/shape.js';
import { isMatrix, type Tensor } from '../tensor.js';
import { ones, uniform } from './init.js';
import { Module } from './module.js';
import type { Parameter } from './parameter.js';

/** A convolution: x [B, H, W, C] → [B, S, R, N], as `convolve2d` counts S and R. It is a product, so that its weight may be held in 8 bits. */
export class Conv2d extends Module {
  /** [N, C, K, K]. */
  readonly weight: Parameter;
  /** [N]; undefined without a bias. */
  readonly bias: Parameter | undefined;
  readonly #kernel: number;
  readonly #outputs: number;
  readonly #window: PlaneOptions;

  constructor(
    engine: Engine,
    channels: number,
    outputs: number,
    kernel: number,
    { bias = true, ...window }: PlaneOptions & { /** Default true. */ bias?: boolean } = {},
  ) {
    super(engine);
    [this.#kernel, this.#outputs, this.#window] = [kernel, outputs, window];
    const init = uniform(1 / Math.sqrt(channels * kernel * kernel));
    this.weight = this.parameter('weight', [outputs, channels, kernel, kernel], { packed: true, leastBits: 8, init });
    if (bias) this.bias = this.parameter('bias', [outputs], { init });
  }

  forward(x: Tensor, { activation }: { /** After the bias. */ activation?: Activation | undefined } = {}): Tensor {
    const own = this.weight.operand;
    const weight = isMatrix(own) ? own : reshape(own, [this.#outputs, -1]);
    return convolve2d(x, { kernel: this.#kernel, weight, bias: this.bias?.tensor }, { ...this.#window, activation });
  }
}

/** A convolution of each channel for itself: x [B, H, W, C] → [B, S, R, C]. */
export class DepthwiseConv2d extends Module {
  /** [C, 1, K, K]. */
  readonly weight: Parameter;
  /** [C]. */
  readonly bias: Parameter;
  readonly #window: WindowOptions;

  constructor(engine: Engine, channels: number, kernel: number, window: WindowOptions = {}) {
    super(engine);
    this.#window = window;
    const init = uniform(1 / kernel);
    this.weight = this.parameter('weight', [channels, 1, kernel, kernel], { init });
    this.bias = this.parameter('bias', [channels], { init });
  }

  forward(x: Tensor): Tensor {
    const [C, , K] = this.weight.shape as [number, number, number, number];
    return depthwise2d(x, reshape(this.weight.tensor, [C, K, K]), this.bias.tensor, this.#window);
  }
}

/**
 * A batch norm that is as training left it: x [..., C] → [..., C]. Its factors and statistics do not train. The norm stays beside the convolution before it, rather than in its weights,
 * so that a model is saved as it came; both are one pass over what the product makes.
 */
export class FrozenBatchNorm extends Module {
  readonly #weight: Parameter;
  readonly #bias: Parameter;
  readonly #mean: Parameter;
  readonly #variance: Parameter;
  readonly #eps: number;

  constructor(engine: Engine, channels: number, { eps = 1e-5 }: { /** Default 1e-5, PyTorch's. */ eps?: number } = {}) {
    super(engine);
    this.#eps = eps;
    const frozen = (name: string, init?: typeof ones) => {
      const parameter = this.parameter(name, [channels], init ? { init } : {});
      parameter.requiresGrad = false;
      return parameter;
    };
    this.#weight = frozen('weight', ones);
    this.#bias = frozen('bias');
    this.#mean = frozen('running_mean');
    this.#variance = frozen('running_var', ones);
  }

  forward(x: Tensor, options: BatchNormOptions = {}): Tensor {
    const [weight, bias, mean, variance] = [this.#weight, this.#bias, this.#mean, this.#variance].map(({ tensor }) => tensor) as [
      Tensor,
      Tensor,
      Tensor,
      Tensor,
    ];
    return batchNorm(x, { weight, bias, mean, variance, eps: this.#eps }, options);
  }
}

/** A transposed convolution whose windows stand beside each other: x [B, H, W, C] → [B, H K, W K, N]. */
export class ConvTranspose2d extends Module {
  /** [C, N, K, K]. */
  readonly weight: Parameter;
  /** [N]. */
  readonly bias: Parameter;

  constructor(engine: Engine, channels: number, outputs: number, kernel: number) {
    super(engine);
    const init = uniform(1 / Math.sqrt(outputs * kernel * kernel));
    this.weight = this.parameter('weight', [channels, outputs, kernel, kernel], { init });
    this.bias = this.parameter('bias', [outputs], { init });
  }

  forward(x: Tensor): Tensor {
    return convolveTransposed2d(x, this.weight.tensor, this.bias.tensor);
  }
}
