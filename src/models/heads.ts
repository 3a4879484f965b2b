/** What tasks put on an encoder: a module that turns its states into logits. An architecture chooses what it is made of, and says what checkpoints call its weights. */
import type { Engine } from '../engine/engine.js';
import type { JsonNode } from '../io/json.js';
import { Dropout, LayerNorm, Linear } from '../nn/layers.js';
import { Module } from '../nn/module.js';
import type { Operand, Parameter } from '../nn/parameter.js';
import { mul } from '../ops/elementwise.js';
import { embedding } from '../ops/embedding.js';
import { linear } from '../ops/matmul.js';
import { sum } from '../ops/reduce.js';
import { contiguous, narrow, reshape } from '../ops/shape.js';
import { type Tensor, tensor } from '../tensor.js';
import { type EncoderDims, type HeadChoices, type Reading, type Task, tiesWords } from './architecture.js';
import { type LabelOptions, labelsOf } from './labels.js';

/** What a head gets from its encoder. */
export interface HeadInputs {
  /** [B, T, C] */
  states: Tensor;
  /** Tokens of each row that are not padding, or where it is: [B, T] bool. */
  lengths: readonly number[] | undefined;
  padding: Tensor | undefined;
  /** Those of tokens that are asked about: all, or [n, C]. */
  tokens(): Tensor;
  /** tanh(W h + b) of the first state, [B, C]. */
  pooled(): Tensor;
  /** The word embeddings [V, E], as a product takes them. */
  readonly words: Operand;
}

/** The first of T states: [B, T, C] → [B, C]. */
export const firstOf = (x: Tensor): Tensor => reshape(contiguous(narrow(x, 1, 0, 1)), [x.dim(0), x.dim(2)]);

/** [B][T]: 1 for each token, 0 for padding. */
function tokensIn({ states, lengths, padding }: HeadInputs): Float32Array {
  const [B, T] = states.shape as [number, number, number];
  const pads = padding && states.engine.heap.bytes.slice(padding.ptr, padding.ptr + B * T);
  return Float32Array.from({ length: B * T }, (_, i) => Number(pads ? !pads[i] : i % T < (lengths?.[Math.floor(i / T)] ?? T)));
}

const readings: Record<Reading, (inputs: HeadInputs) => Tensor> = {
  tokens: ({ tokens }) => tokens(),
  first: ({ states }) => firstOf(states),
  last: (inputs) => {
    const { states } = inputs;
    const [B, T, C] = states.shape as [number, number, number];
    const counts = tokensIn(inputs);
    const rows = Int32Array.from({ length: B }, (_, b) => b * T + Math.max(0, counts.subarray(b * T, (b + 1) * T).lastIndexOf(1)));
    return embedding(tensor(states.engine, rows), reshape(states, [B * T, C]));
  },
  pooler: ({ pooled }) => pooled(),
  // Each of n tokens counts 1 / n, and padding 0.
  mean: (inputs) => {
    const { states } = inputs;
    const [B, T] = states.shape as [number, number, number];
    const shares = tokensIn(inputs);
    for (let b = 0; b < B; b++) {
      const row = shares.subarray(b * T, (b + 1) * T);
      const n = row.reduce((count, one) => count + one, 0);
      if (n) row.set(row.map((one) => one / n));
    }
    return sum(mul(states, tensor(states.engine, shares, [B, T, 1])), 1);
  },
};

/**
 *   h = norm(activation(W x + b)), or x itself          logits = W' h + b':  [B, classes] or [B, T, classes]
 *
 * of what it reads (Devlin et al. 2019, §3 and §4). Without classes it scores the words of the vocabulary, by their embeddings or by a matrix of its own: [B, T, V].
 */
export class Head extends Module {
  readonly reads: Reading;
  /** Whether the word embeddings are what it scores words by, unless the checkpoint has others beside. */
  readonly tied: boolean;
  readonly #activation;
  readonly #dense: Linear | undefined;
  readonly #norm: LayerNorm | undefined;
  #out: Linear | undefined;
  readonly #bias: Parameter | undefined;
  readonly #inputDropout: Dropout;
  readonly #dropout: Dropout;

  constructor(
    engine: Engine,
    { C, E = C, V }: EncoderDims,
    { reads, inputDropout = 0, transform, dropout = 0, tied = true, apart = false, bias = true }: HeadChoices,
    /** The classes that it tells apart. */
    readonly classes?: readonly string[],
  ) {
    super(engine);
    this.reads = reads;
    this.tied = classes === undefined && tied;
    this.#activation = transform?.activation;
    this.#inputDropout = this.child('input_dropout', new Dropout(engine, inputDropout));
    // Words are scored in the channels of their embeddings.
    const width = classes ? C : E;
    if (transform) this.#dense = this.child('dense', new Linear(engine, C, width, { bias: transform.bias ?? true }));
    if (transform?.norm) this.#norm = this.child('norm', new LayerNorm(engine, width, transform.norm));
    this.#dropout = this.child('dropout', new Dropout(engine, dropout));
    const own = !this.tied || apart;
    if (own)
      this.#out = this.child('out', new Linear(engine, width, classes?.length ?? V, { bias: classes !== undefined && bias, leastBits: 8 }));
    if (!classes && bias) this.#bias = this.parameter('bias', [V]);
  }

  /** Scores words by their embeddings from now on. */
  tie(): void {
    this.forget('out');
    this.#out = undefined;
  }

  forward(inputs: HeadInputs): Tensor {
    const x = this.#inputDropout.forward(readings[this.reads](inputs));
    const active = this.#dense ? this.#dense.forward(x, { activation: this.#activation }) : x;
    const h = this.#dropout.forward(this.#norm ? this.#norm.forward(active) : active);
    if (this.classes) return (this.#out as Linear).forward(h);
    return linear(h, this.#out?.weight.operand ?? inputs.words, this.#bias?.tensor);
  }
}

/** The classes that each task tells apart: those that have names, an answer's two ends, or, undefined, the words of the vocabulary. */
const classes: Readonly<Record<Task, (config: JsonNode, options: LabelOptions) => readonly string[] | undefined>> = {
  SequenceClassification: labelsOf,
  TokenClassification: labelsOf,
  QuestionAnswering: () => ['start', 'end'],
  MaskedLM: () => undefined,
};

/** A task, and how its head is made. */
export interface HeadMaker {
  readonly task: Task;
  make(engine: Engine, dims: EncoderDims, choices: HeadChoices, config: JsonNode): Head;
}

/** The head of a task as config.json describes it, or with other labels. */
export const headFor = (task: Task, labels: LabelOptions = {}): HeadMaker => ({
  task,
  make: (engine, dims, choices, config) => new Head(engine, dims, { tied: tiesWords(config), ...choices }, classes[task](config, labels)),
});
