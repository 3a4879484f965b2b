/**
 * From samples to a trunk's states, as Moonshine has it (Jeffries et al., arXiv 2410.15608, §3.1): convolutions without a spectrogram before them, the first of which is normed over all
 * that it makes of a sound.
 *
 *   x = gelu(conv3(gelu(conv2(norm(tanh(conv1(samples)))))))ᵀ
 */
import type { Engine } from '../engine/engine.js';
import { Conv1d } from '../nn/convolution.js';
import { type Dropout, LayerNorm } from '../nn/layers.js';
import { Module } from '../nn/module.js';
import type { Parameter } from '../nn/parameter.js';
import { add, mul } from '../ops/elementwise.js';
import { layerNorm } from '../ops/norm.js';
import { contiguous, reshape, transpose } from '../ops/shape.js';
import type { Tensor } from '../tensor.js';
import type { FeatureStemMaker } from './architecture.js';
import type { Wave } from './waves.js';

class SampleStem extends Module {
  readonly #waves: readonly Conv1d[];
  readonly #norm: LayerNorm;

  constructor(
    engine: Engine,
    waves: readonly Wave[],
    readonly eps: number,
    readonly dropout: Dropout,
  ) {
    super(engine);
    this.#waves = waves.map(({ channels, kernel, stride }, i) => {
      const from = waves[i - 1]?.channels ?? 1;
      return this.child(`conv${i + 1}`, new Conv1d(engine, from, channels, kernel, { stride, bias: i > 0 }));
    });
    this.#norm = this.child('norm', new LayerNorm(engine, (waves[0] as Wave).channels, { eps }));
  }

  /** [B, L] → [B, S, C]. */
  forward(samples: Tensor): Tensor {
    const { engine } = this;
    const [B, L] = samples.shape as [number, number];
    // A layer's windows go before those of the next are made.
    const wave = (h: Tensor, conv: Conv1d, i: number) =>
      engine.scope(() => (i ? conv.forward(h, { activation: 'gelu' }) : this.#normed(conv.forward(h, { activation: 'tanh' }))));
    return this.dropout.forward(transpose(this.#waves.reduce(wave, reshape(samples, [B, 1, L])), 1, 2));
  }

  /** All channels and steps of a sound together have mean 0 and variance 1 (one group: Wu & He, arXiv 1803.08494); then each channel its own weight and bias. */
  #normed(h: Tensor): Tensor {
    const [B, C, S] = h.shape as [number, number, number];
    const column = ({ tensor: one }: Parameter) => reshape(one, [C, 1]);
    const level = reshape(layerNorm(reshape(contiguous(h), [B, C * S]), undefined, undefined, { eps: this.eps }), [B, C, S]);
    return add(mul(level, column(this.#norm.weight)), column(this.#norm.bias as Parameter));
  }
}

/** Maker of stems of samples. */
export const sampleStem: FeatureStemMaker = (engine, { waves = [], eps }, dropout) => new SampleStem(engine, waves, eps, dropout);
