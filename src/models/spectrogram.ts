/**
 * From a spectrogram to a trunk's states, as Whisper has it (Radford et al., arXiv 2212.04356, §2.2): two convolutions over three steps, the second of which takes every other one, and
 * positions that are added.
 *
 *   x = gelu(conv2(gelu(conv1(features))))ᵀ + position
 */
import type { Engine } from '../engine/engine.js';
import { Conv1d } from '../nn/convolution.js';
import type { Dropout } from '../nn/layers.js';
import { Module } from '../nn/module.js';
import { LearnedPositions } from '../nn/positions.js';
import { add } from '../ops/elementwise.js';
import { transpose } from '../ops/shape.js';
import type { Tensor } from '../tensor.js';
import type { FeatureStemMaker } from './architecture.js';

class SpectrogramStem extends Module {
  readonly #conv1: Conv1d;
  readonly #conv2: Conv1d;
  readonly #positions: LearnedPositions;

  constructor(
    engine: Engine,
    C: number,
    channels: number,
    positions: number,
    readonly dropout: Dropout,
  ) {
    super(engine);
    this.#conv1 = this.child('conv1', new Conv1d(engine, channels, C, 3, { padding: 1 }));
    this.#conv2 = this.child('conv2', new Conv1d(engine, C, C, 3, { stride: 2, padding: 1 }));
    this.#positions = this.child('positions', new LearnedPositions(engine, positions, C));
  }

  /** [B, channels, 2 S] → [B, S, C]. */
  forward(features: Tensor): Tensor {
    const h = this.#conv2.forward(this.#conv1.forward(features, { activation: 'gelu' }), { activation: 'gelu' });
    const x = transpose(h, 1, 2);
    return this.dropout.forward(add(x, this.#positions.forward(x.dim(1))));
  }
}

/** Two steps of a spectrogram become one state. */
export const STRIDE = 2;

/** Maker of stems of spectrograms. */
export const spectrogram: FeatureStemMaker = (engine, { C, features: { channels, steps } = { channels: 0, steps: 0 } }, dropout) =>
  new SpectrogramStem(engine, C, channels, steps / STRIDE, dropout);
