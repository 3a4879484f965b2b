/**
 * A gated short convolution instead of attention (LFM2: Liquid AI, arXiv 2511.23404, §2), for each channel by itself, over a token and the K − 1 before it:
 *
 *   b, c, v = in_proj(x)      u = b · v      y[t] = out_proj(c[t] · Σ_j w[j] · u[t − K + 1 + j])
 *
 * Keys: in_proj, conv [C, 1, K], out_proj.
 */
import type { Engine } from '../engine/engine.js';
import { HeedError } from '../errors.js';
import { add, mul } from '../ops/elementwise.js';
import { cat, contiguous, narrow, reshape, transpose } from '../ops/shape.js';
import { type Tensor, tensor } from '../tensor.js';
import type { AttentionCall, MixerSpec } from './attention.js';
import { ConvolutionCache } from './convolution_cache.js';
import { uniform } from './init.js';
import { Linear } from './layers.js';
import { Module } from './module.js';
import type { Parameter } from './parameter.js';

/** x [B, T, C] → [B, T, C]. */
class ShortConvolution extends Module {
  readonly #in: Linear;
  readonly #out: Linear;
  readonly #weight: Parameter;
  readonly #bias: Parameter | undefined;

  constructor(
    engine: Engine,
    readonly width: number,
    /** K. */
    readonly kernel: number,
    bias: boolean,
  ) {
    super(engine);
    this.#in = this.child('in_proj', new Linear(engine, width, 3 * width, { bias }));
    this.#weight = this.parameter('conv.weight', [width, 1, kernel], { init: uniform(1 / Math.sqrt(kernel)) });
    if (bias) this.#bias = this.parameter('conv.bias', [width], { init: uniform(1 / Math.sqrt(kernel)) });
    this.#out = this.child('out_proj', new Linear(engine, width, width, { bias }));
  }

  forward(x: Tensor, _memory: Tensor | undefined, { bias, cache, residual }: AttentionCall = {}): Tensor {
    if (bias)
      throw new HeedError('UNSUPPORTED', 'A convolution reads what stands before a token, and so would read padding there', {
        culprit: 'attention_mask',
        cure: 'Pad behind the tokens',
      });
    return this.engine.scope(() => {
      const [C, K, T] = [this.width, this.kernel, x.dim(1)];
      const all = this.#in.forward(x);
      const u = mul(narrow(all, -1, 0, C), narrow(all, -1, 2 * C, C));
      // The state has made a convolution's cache for this layer.
      const past = cache as object as ConvolutionCache | undefined;
      const read = past ? past.extend(u) : cat([tensor(this.engine, new Float32Array(x.dim(0) * (K - 1) * C), [x.dim(0), K - 1, C]), u], 1);
      const taps = contiguous(transpose(reshape(this.#weight.tensor, [C, K]), 0, 1));
      const terms = Array.from({ length: K }, (_, j) => mul(narrow(read, 1, j, T), reshape(narrow(taps, 0, j, 1), [C])));
      const sum = terms.reduce((y, term) => add(y, term));
      const mixed = this.#bias ? add(sum, this.#bias.tensor) : sum;
      return this.#out.forward(mul(narrow(all, -1, C, C), mixed), { residual });
    });
  }
}

/** Short convolutions over K tokens, in place of a layer's attention. */
export const shortConvolution = (kernel: number, bias: boolean): Required<MixerSpec> => ({
  name: 'conv',
  make: (engine, C) => new ShortConvolution(engine, C, kernel, bias),
  cache: (engine) => new ConvolutionCache(engine, kernel - 1),
});
