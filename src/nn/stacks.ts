/** Stacks of layers, and the two stacks of nn.Transformer (Vaswani et al. 2017, fig. 1). */
import type { Engine } from '../engine/engine.js';
import { checkOptions } from '../errors.js';
import { wrongArgument } from '../ops/check.js';
import { type Given, type TensorLike, withEntered } from '../ops/given.js';
import type { Random } from '../random.js';
import type { Tensor } from '../tensor.js';
import { initStack } from './init.js';
import { Module } from './module.js';
import type { Norm } from './norm.js';
import type { Parameter } from './parameter.js';
import {
  type DecoderLayerCall,
  type EncoderLayerCall,
  type LayerMasks,
  layerOptionNames,
  normOf,
  TransformerDecoderLayer,
  TransformerEncoderLayer,
  type TransformerLayerOptions,
} from './transformer.js';

/** Largest number of layers; each layer is made before a weight is read. */
const MOST_LAYERS = 1 << 16;

/** Stack of numLayers layers that `make` makes, and a norm behind them where one is given. Keys: layers.0 …, norm. */
abstract class Stack<Layer extends Module> extends Module {
  /** The layers in their order. */
  readonly layers: readonly Layer[];
  /** Norm behind the last layer. */
  readonly norm: Norm | undefined;

  constructor(engine: Engine, make: () => Layer, numLayers: number, norm?: Norm) {
    super(engine);
    const name = new.target.name;
    if (typeof make !== 'function') throw wrongArgument(name, 'make', make, 'It must be a function that makes a layer');
    if (!(Number.isInteger(numLayers) && numLayers >= 0 && numLayers <= MOST_LAYERS))
      throw wrongArgument(name, 'numLayers', numLayers, `It must be a whole number from 0 to ${MOST_LAYERS}`);
    if (norm !== undefined && !(norm instanceof Module)) throw wrongArgument(name, 'norm', norm, 'It must be a norm');
    this.layers = Array.from({ length: numLayers }, (_, l) => {
      const layer = make();
      if (!(layer instanceof Module)) throw wrongArgument(name, 'make', layer, 'It must be a function that makes a layer');
      return this.child(`layers.${l}`, layer);
    });
    this.norm = norm && this.child('norm', norm);
  }

  /** Runs the layers one after the other; what lies between two is freed when the next is done. */
  protected through(x: Tensor, run: (layer: Layer, x: Tensor) => Tensor): Tensor {
    return this.engine.scope(() => {
      let h = x;
      for (const layer of this.layers) h = replace(h, x, run(layer, h));
      return this.norm ? replace(h, x, this.norm.forward(h)) : h;
    });
  }
}

/** The new value, after the old one was freed, unless that is the caller's. */
function replace(old: Tensor, callers: Tensor, value: Tensor): Tensor {
  if (old.storage !== callers.storage) old.dispose();
  return value;
}

/**
 * A stack of encoder layers: PyTorch's nn.TransformerEncoder, but that `make` makes each layer, rather than one being copied.
 * @example
 * ```js
 * const encoder = new TransformerEncoder(engine, () => new TransformerEncoderLayer(engine, 512, 8, { batchFirst: true }), 6);
 * ```
 */
export class TransformerEncoder extends Stack<TransformerEncoderLayer> {
  /** [B, S, C] → [B, S, C], or [S, B, C]; the masks of `call` hold for every layer. */
  forward(src: TensorLike, call: Given<EncoderLayerCall> = {}): Tensor {
    const args = [src, call] as [Tensor, EncoderLayerCall];
    return withEntered(this.engine, args, (first, given) => this.through(first, (layer, x) => layer.forward(x, given)));
  }
}

/** A stack of decoder layers: PyTorch's nn.TransformerDecoder, but that `make` makes each layer. */
export class TransformerDecoder extends Stack<TransformerDecoderLayer> {
  /** tgt [B, T, C], memory [B, S, C] → [B, T, C]; the masks of `call` hold for every layer. */
  forward(tgt: TensorLike, memory: TensorLike | undefined, call: Given<DecoderLayerCall> = {}): Tensor {
    const args = [tgt, memory, call] as [Tensor, Tensor | undefined, DecoderLayerCall];
    return withEntered(this.engine, args, (first, seen, given) => this.through(first, (layer, x) => layer.forward(x, seen, given)));
  }
}

/** Options of Transformer: those of its layers, and how many there are. */
export interface TransformerOptions extends TransformerLayerOptions {
  /** C, the width of all layers. Default 512. */
  dModel?: number;
  /** H, the heads of each attention. Default 8. */
  nhead?: number;
  /** Default 6. */
  numEncoderLayers?: number;
  /** Default 6. */
  numDecoderLayers?: number;
}

/** The masks of a Transformer's three attentions. */
export interface TransformerCall {
  /** Masks of the encoder's self-attention. */
  src?: LayerMasks | undefined;
  /** Masks of the decoder's self-attention. */
  tgt?: LayerMasks | undefined;
  /** Masks of the decoder's attention to the encoder's output. */
  memory?: LayerMasks | undefined;
}

/** Encoder and decoder, each with a final norm: src [B, S, C], tgt [B, T, C] → [B, T, C]. */
export class Transformer extends Module {
  /** Reads src. */
  readonly encoder: TransformerEncoder;
  /** Reads tgt, and attends to what the encoder gives. */
  readonly decoder: TransformerDecoder;

  constructor(engine: Engine, options: TransformerOptions = {}) {
    super(engine);
    checkOptions(options, [...layerOptionNames, 'dModel', 'nhead', 'numEncoderLayers', 'numDecoderLayers'], 'Transformer');
    const { dModel = 512, nhead = 8, numEncoderLayers = 6, numDecoderLayers = 6, ...layer } = options;
    const norm = () => normOf(engine, dModel, layer);
    const encoderLayer = () => new TransformerEncoderLayer(engine, dModel, nhead, layer);
    const decoderLayer = () => new TransformerDecoderLayer(engine, dModel, nhead, layer);
    this.encoder = this.child('encoder', new TransformerEncoder(engine, encoderLayer, numEncoderLayers, norm()));
    this.decoder = this.child('decoder', new TransformerDecoder(engine, decoderLayer, numDecoderLayers, norm()));
  }

  /** Initialises all matrices by Xavier's method, as nn.Transformer does. */
  protected override initParameter(_name: string, parameter: Parameter, random: Random): void {
    initStack(parameter, random);
  }

  /** `call.tgt: { isCausal: true }` is what training and translation use. */
  forward(src: TensorLike, tgt: TensorLike, call: Given<TransformerCall> = {}): Tensor {
    checkOptions(call, ['src', 'tgt', 'memory'], 'Transformer.forward');
    return this.engine.scope(() => {
      const memory = this.encoder.forward(src, call.src ?? {});
      return this.decoder.forward(tgt, memory, { tgt: call.tgt, memory: call.memory });
    });
  }
}
