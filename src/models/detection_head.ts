/**
 * What says where things are in a picture (Carion et al., arXiv 2005.12872, §3.2): of the states of the last N tokens, one for each thing that may be there, the class, the last of
 * which is nothing, and a box, both by products with ReLU between.
 */
import type { Engine } from '../engine/engine.js';
import { Linear } from '../nn/layers.js';
import { Module } from '../nn/module.js';
import { sigmoid } from '../ops/activation.js';
import { cat, contiguous, narrow } from '../ops/shape.js';
import type { Tensor } from '../tensor.js';
import type { HeadInputs, HeadLike, HeadLikeMaker } from './heads.js';

/** Centre, width and height, as shares of the picture's. */
export const BOX = 4;

/** States of tokens through layers with ReLU between. Keys: 0 …. */
class Predictor extends Module {
  readonly #layers: readonly Linear[];

  constructor(engine: Engine, C: number, outputs: number, layers = 3) {
    super(engine);
    const widths = [...Array.from({ length: layers - 1 }, () => C), outputs];
    this.#layers = widths.map((width, i) => this.child(String(i), new Linear(engine, C, width, { leastBits: 8 })));
  }

  forward(x: Tensor): Tensor {
    const last = this.#layers.length - 1;
    return this.#layers.reduce((h, layer, i) => layer.forward(h, i < last ? { activation: 'relu' } : {}), x);
  }
}

/** [B, T, C] → [B, N, classes + 1 + 4]: scores of classes and of nothing, and the box. */
class DetectionHead extends Module implements HeadLike {
  readonly reads = 'tokens';
  readonly tied = false;
  readonly #classes: Predictor;
  readonly #boxes: Predictor;

  constructor(
    engine: Engine,
    C: number,
    readonly classes: readonly string[],
    readonly things: number,
    layers: number,
  ) {
    super(engine);
    this.#classes = this.child('classes', new Predictor(engine, C, classes.length + 1, layers));
    this.#boxes = this.child('boxes', new Predictor(engine, C, BOX));
  }

  /** No words are scored. */
  tie(): void {}

  forward({ states }: HeadInputs): Tensor {
    const last = contiguous(narrow(states, 1, states.dim(1) - this.things, this.things));
    return cat([this.#classes.forward(last), sigmoid(this.#boxes.forward(last))], -1);
  }
}

/** Maker of the head of N things, whose classes so many products score. */
export const detectionHead =
  (things: number, layers = 3): HeadLikeMaker =>
  (engine, { C }, classes = []) =>
    new DetectionHead(engine, C, classes, things, layers);
