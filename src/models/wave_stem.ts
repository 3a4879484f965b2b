/**
 * From samples to a trunk's states, as wav2vec 2.0 has it (Baevski et al., arXiv 2006.11477, §2): convolutions over the sound, each with a norm, or the first alone, over the whole time of
 * each channel; a product; and positions, which are a wide convolution over the states.
 *
 *   h = gelu(norm(conv(h)))        x = W norm(hᵀ) + b, 0 behind the sound        y = norm(x + gelu(conv(x)))
 */
import type { Engine } from '../engine/engine.js';
import { Conv1d } from '../nn/convolution.js';
import { normal, ones } from '../nn/init.js';
import { Dropout, LayerNorm, Linear } from '../nn/layers.js';
import { Module } from '../nn/module.js';
import type { Parameter } from '../nn/parameter.js';
import { activate } from '../ops/activation.js';
import { conv1d } from '../ops/convolution.js';
import { add, mul, scale } from '../ops/elementwise.js';
import { layerNorm, rmsNorm } from '../ops/norm.js';
import { contiguous, narrow, reshape, transpose } from '../ops/shape.js';
import { type Tensor, tensor } from '../tensor.js';
import type { Wave } from './waves.js';

/** What a stem of samples is like. */
export interface WaveSpec {
  /** Channels of states. */
  C: number;
  waves: readonly Wave[];
  /** Which convolutions have a norm: the first over time, each channel for itself, or every one over channels. */
  norms: 'group' | 'layer';
  /** Whether convolutions have a bias. */
  bias: boolean;
  /** Steps of the convolution that makes positions, and into how many parts channels fall there. */
  positions: { kernel: number; groups: number };
  /** A norm behind the positions. */
  embeddingNorm: boolean;
  eps: number;
  /** In training, the share that is zeroed of what is projected, and of states. */
  projectionDropout: number;
  dropout: number;
}

/** PyTorch's eps of norms in convolutions, which no config tells. */
const EPS = 1e-5;

/** One of the convolutions: [B, c, L] → [B, C, S]. Keys: conv, norm. */
class WaveLayer extends Module {
  readonly #conv: Conv1d;
  readonly #norm: LayerNorm | undefined;

  constructor(
    engine: Engine,
    channels: number,
    wave: Wave,
    bias: boolean,
    readonly norms: WaveSpec['norms'] | undefined,
  ) {
    super(engine);
    this.#conv = this.child('conv', new Conv1d(engine, channels, wave.channels, wave.kernel, { stride: wave.stride, bias }));
    if (norms) this.#norm = this.child('norm', new LayerNorm(engine, wave.channels, { eps: EPS }));
  }

  forward(x: Tensor): Tensor {
    const norm = this.#norm;
    if (!norm) return this.#conv.forward(x, { activation: 'gelu' });
    const h = this.#conv.forward(x);
    if (this.norms === 'layer') return transpose(activate(norm.forward(transpose(h, 1, 2)), 'gelu'), 1, 2);
    // Each channel over all of its time, whatever of it is padding: so it was trained.
    const column = ({ tensor: one }: Parameter) => reshape(one, [h.dim(1), 1]);
    const level = layerNorm(h, undefined, undefined, { eps: EPS });
    return activate(add(mul(level, column(norm.weight)), column(norm.bias as Parameter)), 'gelu');
  }
}

/**
 * Positions as a convolution whose weight is a direction and a length for each of its K steps (weight normalization: Salimans & Kingma, arXiv 1602.07868), w[k] = g[k] v[k] / |v[k]|:
 * [B, T, C] → [B, T, C]. Keys: g [1, 1, K], v [C, C / groups, K], bias.
 */
class WavePositions extends Module {
  readonly #g: Parameter;
  readonly #v: Parameter;
  readonly #bias: Parameter;

  constructor(
    engine: Engine,
    readonly C: number,
    readonly kernel: number,
    readonly groups: number,
  ) {
    super(engine);
    this.#g = this.parameter('g', [1, 1, kernel], { init: ones });
    this.#v = this.parameter('v', [C, C / groups, kernel], { init: normal(0.02) });
    this.#bias = this.parameter('bias', [C]);
  }

  /** [C, C / groups, K]. */
  #weight(): Tensor {
    const { C, kernel: K, groups } = this;
    const n = (C * C) / groups;
    const steps = contiguous(transpose(reshape(this.#v.tensor, [n, K]), 0, 1));
    const unit = scale(rmsNorm(steps, undefined, { eps: 0 }), 1 / Math.sqrt(n));
    return reshape(contiguous(transpose(mul(unit, reshape(this.#g.tensor, [K, 1])), 0, 1)), [C, C / groups, K]);
  }

  forward(x: Tensor): Tensor {
    const { kernel, groups } = this;
    const options = { padding: Math.floor(kernel / 2), groups, activation: 'gelu' } as const;
    const y = transpose(conv1d(transpose(x, 1, 2), this.#weight(), this.#bias.tensor, options), 1, 2);
    // An even kernel makes one state too many.
    return narrow(y, 1, 0, x.dim(1));
  }
}

/** Embeddings of sounds: samples [B, L] → [B, T, C]. */
export class WaveStem extends Module {
  readonly #layers: readonly WaveLayer[];
  readonly #inputNorm: LayerNorm;
  readonly #projection: Linear;
  readonly #positions: WavePositions;
  readonly #norm: LayerNorm | undefined;
  readonly #projectionDropout: Dropout;
  readonly #dropout: Dropout;

  constructor(
    engine: Engine,
    /** What it is like. */
    readonly spec: WaveSpec,
  ) {
    super(engine);
    const { C, waves, norms, bias, positions, eps } = spec;
    this.#layers = waves.map((wave, i) => {
      const own = norms === 'layer' || i === 0 ? norms : undefined;
      return this.child(`waves.${i}`, new WaveLayer(engine, waves[i - 1]?.channels ?? 1, wave, bias, own));
    });
    const last = (waves.at(-1) as Wave).channels;
    this.#inputNorm = this.child('input_norm', new LayerNorm(engine, last, { eps }));
    this.#projection = this.child('projection', new Linear(engine, last, C));
    this.#positions = this.child('positions', new WavePositions(engine, C, positions.kernel, positions.groups));
    if (spec.embeddingNorm) this.#norm = this.child('norm', new LayerNorm(engine, C, { eps }));
    this.#projectionDropout = this.child('projection_dropout', new Dropout(engine, spec.projectionDropout));
    this.#dropout = this.child('dropout', new Dropout(engine, spec.dropout));
  }

  /** `lengths`: the states of each row that are sound. */
  forward(samples: Tensor, lengths?: readonly number[]): Tensor {
    const { engine } = this;
    const [B, L] = samples.shape as [number, number];
    // A layer's windows go before those of the next are made.
    const wave = (h: Tensor, layer: WaveLayer) => engine.scope(() => layer.forward(h));
    const h = transpose(this.#layers.reduce(wave, reshape(samples, [B, 1, L])), 1, 2);
    const projected = this.#projectionDropout.forward(this.#projection.forward(this.#inputNorm.forward(h)));
    const T = projected.dim(1);
    const sound = lengths && Float32Array.from({ length: B * T }, (_, i) => Number(i % T < (lengths[Math.floor(i / T)] as number)));
    const x = sound ? mul(projected, tensor(engine, sound, [B, T, 1])) : projected;
    const placed = add(x, this.#positions.forward(x));
    return this.#dropout.forward(this.#norm ? this.#norm.forward(placed) : placed);
  }
}
