/** Tasks' heads on an encoder: modules that turn its states into logits. An architecture chooses their parts and names their weights in checkpoints. */
import type { Engine } from '../engine/engine.js';
import type { JsonNode } from '../io/json.js';
import { Dropout, LayerNorm, Linear } from '../nn/layers.js';
import { Module } from '../nn/module.js';
import type { Operand, Parameter } from '../nn/parameter.js';
import { add, mul, scale } from '../ops/elementwise.js';
import { embedding } from '../ops/embedding.js';
import { linear } from '../ops/matmul.js';
import { mean, sum } from '../ops/reduce.js';
import { cat, narrow, reshape } from '../ops/shape.js';
import { type Tensor, tensor } from '../tensor.js';
import { type EncoderDims, type HeadChoices, type Reading, type Task, tiesWords } from './architecture.js';
import { sizeIn } from './config.js';
import { type LabelOptions, labelsOf } from './labels.js';
import { firstOf, stateAt } from './poolers.js';

/** Inputs of a head from its encoder. */
export interface HeadInputs {
  /** States [B, T, C]. */
  states: Tensor;
  /** Padding, in one of two forms: the number of tokens of each row, or a mask [B, T] bool. */
  lengths: readonly number[] | undefined;
  padding: Tensor | undefined;
  /** States of the tokens that are asked about: all, or [n, C]. */
  tokens(): Tensor;
  /** tanh(W h + b) of the first state, [B, C]. */
  pooled(): Tensor;
  /** The word embeddings [V, E], as a product takes them. */
  readonly words?: (() => Operand) | undefined;
  /** Tokens before the patches of a picture. */
  leading?: number | undefined;
  /** States of the blocks that the head asks for, behind the final norm; of an encoder of stages the planes of each, [B, h, w, C]. */
  features?: (() => readonly Tensor[]) | undefined;
  /** Lines and columns of a picture's patches. */
  grid?: readonly [height: number, width: number] | undefined;
  /** What the states are of, for heads that make pictures: [B, H, W, c]. */
  pixels?: Tensor | undefined;
}

/** [B][T]: 1 for each token, 0 for padding. */
function tokensIn({ states, lengths, padding }: HeadInputs): Float32Array {
  const [B, T] = states.shape as [number, number, number];
  const pads = padding && states.engine.heap.bytes.slice(padding.ptr, padding.ptr + B * T);
  return Float32Array.from({ length: B * T }, (_, i) => Number(pads ? !pads[i] : i % T < (lengths?.[Math.floor(i / T)] ?? T)));
}

/** What an encoder has for a head. */
export interface HeadLike extends Module {
  readonly reads: Reading;
  /** Whether the word embeddings are what it scores words by, unless the checkpoint has others beside. */
  readonly tied: boolean;
  /** The classes that it tells apart. */
  readonly classes?: readonly string[] | undefined;
  /** Blocks whose states it reads as `features`, 0 for what comes to the first. Default: none. */
  readonly taps?: readonly number[] | undefined;
  /** Scores words by their embeddings from now on. */
  tie(): void;
  forward(inputs: HeadInputs): Tensor;
}

/** Maker of a head that is none of these here. */
export type HeadLikeMaker = (engine: Engine, dims: Pick<EncoderDims, 'C'>, classes: readonly string[] | undefined) => HeadLike;

/** The mean of the states of a picture's patches. */
const patchesOf = ({ states, leading = 1 }: HeadInputs): Tensor => mean(narrow(states, 1, leading, states.dim(1) - leading), 1);

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
  patches: patchesOf,
  'first+patches': (inputs) => cat([firstOf(inputs.states), patchesOf(inputs)], -1),
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
export class Head extends Module implements HeadLike {
  readonly reads: Reading;
  /** `true` where embeddings score words, unless the checkpoint has a matrix of its own. */
  readonly tied: boolean;
  readonly #leading;
  readonly #activation;
  readonly #dense: Linear | undefined;
  readonly #norm: LayerNorm | undefined;
  #out: Linear | undefined;
  readonly #second: Linear | undefined;
  readonly #bias: Parameter | undefined;
  readonly #inputDropout: Dropout;
  readonly #dropout: Dropout;

  constructor(
    engine: Engine,
    { C, E = C, V = 0 }: Pick<EncoderDims, 'C' | 'E'> & { V?: number },
    { reads, leading, inputDropout = 0, transform, dropout = 0, tied = true, apart = false, bias = true, second }: HeadChoices,
    /** The classes that it tells apart. */
    readonly classes?: readonly string[],
  ) {
    super(engine);
    this.reads = reads;
    this.#leading = leading;
    this.tied = classes === undefined && tied;
    this.#activation = transform?.activation;
    this.#inputDropout = this.child('input_dropout', new Dropout(engine, inputDropout));
    // Words are scored in the channels of their embeddings.
    const width = classes ? (reads === 'first+patches' ? 2 * C : C) : E;
    if (transform) this.#dense = this.child('dense', new Linear(engine, C, width, { bias: transform.bias ?? true }));
    if (transform?.norm) this.#norm = this.child('norm', new LayerNorm(engine, width, transform.norm));
    this.#dropout = this.child('dropout', new Dropout(engine, dropout));
    const own = !this.tied || apart;
    if (own)
      this.#out = this.child('out', new Linear(engine, width, classes?.length ?? V, { bias: classes !== undefined && bias, leastBits: 8 }));
    if (classes && second) this.#second = this.child('second', new Linear(engine, width, classes.length, { bias, leastBits: 8 }));
    if (!classes && bias) this.#bias = this.parameter('bias', [V]);
  }

  /** Scores words by their embeddings from now on. */
  tie(): void {
    this.forget('out');
    this.#out = undefined;
  }

  forward(inputs: HeadInputs): Tensor {
    const x = this.#inputDropout.forward(readings[this.reads]({ ...inputs, leading: this.#leading }));
    const active = this.#dense ? this.#dense.forward(x, { activation: this.#activation }) : x;
    const h = this.#dropout.forward(this.#norm ? this.#norm.forward(active) : active);
    const scores = this.classes && (this.#out as Linear).forward(h);
    if (scores && this.#second) return scale(add(scores, this.#second.forward(this.#dropout.forward(stateAt(inputs.states, 1)))), 0.5);
    if (scores) return scores;
    return linear(h, this.#out?.weight.operand ?? (inputs.words as () => Operand)(), this.#bias?.tensor);
  }
}

/** Names of each task's classes: labels, an answer's two ends, or, undefined, the words of the vocabulary. */
const classes: Readonly<Record<Task, (config: JsonNode, options: LabelOptions) => readonly string[] | undefined>> = {
  SequenceClassification: labelsOf,
  TokenClassification: labelsOf,
  QuestionAnswering: () => ['start', 'end'],
  MaskedLM: () => undefined,
  ImageClassification: labelsOf,
  ImageToImage: () => [],
  ObjectDetection: labelsOf,
  DepthEstimation: () => [],
  SemanticSegmentation: labelsOf,
  // Letters, whose names the tokenizer knows.
  CTC: (config) => Array.from({ length: sizeIn(config, 'vocab_size', 32) }, (_, id) => String(id)),
};

/** A task, and how its head is made. */
export interface HeadMaker {
  readonly task: Task;
  make(engine: Engine, dims: EncoderDims, choices: HeadChoices, config: JsonNode): HeadLike;
}

/** The head of a task as config.json describes it, or with other labels. */
export const headFor = (task: Task, labels: LabelOptions = {}): HeadMaker => ({
  task,
  make: (engine, dims, { make, ...choices }, config) => {
    const names = classes[task](config, labels);
    return make?.(engine, dims, names) ?? new Head(engine, dims, { tied: tiesWords(config), ...choices }, names);
  },
});
