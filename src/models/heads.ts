/** What tasks put on an encoder: modules that turn its states into logits. An architecture says what checkpoints call their weights. */
import type { Engine } from '../engine/engine.js';
import type { JsonNode } from '../io/json.js';
import { Dropout, LayerNorm, Linear } from '../nn/layers.js';
import { Module } from '../nn/module.js';
import type { Operand, Parameter } from '../nn/parameter.js';
import type { Activation } from '../ops/activation.js';
import { linear } from '../ops/matmul.js';
import type { Tensor } from '../tensor.js';
import type { EncoderDims, HeadChoices, Task } from './architecture.js';
import { labelsOf } from './labels.js';

/** What a head gets from its encoder. */
export interface HeadInputs {
  /** [B, T, C] */
  states: Tensor;
  /** tanh(W h + b) of the first token, [B, C]. */
  pooled(): Tensor;
  /** The word embeddings [V, C], as a product takes them. */
  readonly words: Operand;
}

export abstract class Head extends Module {
  /** Whether it needs the pooler. */
  abstract readonly pools: boolean;
  /** Whether it needs the word embeddings. */
  abstract readonly scoresWords: boolean;
  /** How many classes it tells apart, where it sorts. */
  readonly labels: number | undefined = undefined;
  abstract forward(inputs: HeadInputs): Tensor;
}

/** logits = W dropout(pooled) + b: [B, labels] (Devlin et al. 2019, §4.1). */
export class SequenceClassification extends Head {
  readonly pools = true;
  readonly scoresWords = false;
  readonly #dropout: Dropout;
  readonly #out: Linear;

  constructor(
    engine: Engine,
    { C }: EncoderDims,
    { dropout = 0 }: HeadChoices,
    override readonly labels: number,
  ) {
    super(engine);
    this.#dropout = this.child('dropout', new Dropout(engine, dropout));
    this.#out = this.child('out', new Linear(engine, C, labels));
  }

  forward({ pooled }: HeadInputs): Tensor {
    return this.#out.forward(this.#dropout.forward(pooled()));
  }
}

/** logits = E norm(act(W h + b)) + c with the word embeddings E: [B, T, V] (Devlin et al. 2019, §3.1; the transform is BERT's code's). */
export class MaskedLM extends Head {
  readonly pools = false;
  readonly scoresWords = true;
  readonly #dense: Linear;
  readonly #activation: Activation;
  readonly #norm: LayerNorm;
  readonly #bias: Parameter;

  constructor(engine: Engine, { C, V, eps }: EncoderDims, { activation = 'gelu' }: HeadChoices) {
    super(engine);
    this.#dense = this.child('dense', new Linear(engine, C, C));
    this.#activation = activation;
    this.#norm = this.child('norm', new LayerNorm(engine, C, { eps }));
    this.#bias = this.parameter('bias', [V]);
  }

  forward({ states, words }: HeadInputs): Tensor {
    const h = this.#norm.forward(this.#dense.forward(states, { activation: this.#activation }));
    return linear(h, words, this.#bias.tensor);
  }
}

/** The head of each task, as config.json describes it. */
export const heads: Readonly<Record<Task, (engine: Engine, dims: EncoderDims, choices: HeadChoices, config: JsonNode) => Head>> = {
  SequenceClassification: (engine, dims, choices, config) => new SequenceClassification(engine, dims, choices, labelsOf(config, {}).length),
  MaskedLM: (engine, dims, choices) => new MaskedLM(engine, dims, choices),
};
