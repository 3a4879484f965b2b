/**
 * Sequence to sequence: the decoder reads what the target was so far, and predicts each next token; padding does not count (Sutskever et al. 2014,
 * arXiv 1409.3215, trained with the right answers as input). Batches come from `TranslationDataset.collate`.
 */
import type { Engine } from '../engine/engine.js';
import { checkOptions, HeedError, kindOf } from '../errors.js';
import type { Tensor } from '../tensor.js';
import type { Padded } from './data/collate.js';
import type { TranslationBatch } from './data/translation.js';
import { checkIds, type Decoding, ExampleError, type Objective, prediction, predictionMetrics, toTensor } from './objective.js';

/** Anything that translates: source [B, S], target [B, T] int32, the sources' lengths → logits [B, T, V]. */
export interface SequenceToSequenceModel {
  readonly engine: Engine;
  forward(source: Tensor, target: Tensor, lengths: readonly number[]): Tensor;
  /** Where it says how large its vocabulary is, and how many positions it has, batches are checked beforehand. */
  readonly config?: { readonly vocab_size?: unknown; readonly max_position_embeddings?: unknown } | undefined;
}

export interface SequenceToSequenceOptions<Model> {
  /** The padding's id, which is no target. */
  pad: number;
  /** How much of a target all tokens share in training, 0 to 1. Default 0. Evaluation knows none. */
  labelSmoothing?: number | undefined;
  /** How to score what the model says by itself. */
  decoding?: Decoding<Model, TranslationBatch> | undefined;
}

/** @example new Trainer(model, { objective: sequenceToSequence({ pad: 0, labelSmoothing: 0.1 }), … }) */
export function sequenceToSequence<Model extends SequenceToSequenceModel>(
  options: SequenceToSequenceOptions<Model>,
): Objective<Model, TranslationBatch> {
  checkOptions(options, ['pad', 'labelSmoothing', 'decoding'], 'sequenceToSequence');
  const { pad, labelSmoothing = 0, decoding } = options;
  if (!Number.isSafeInteger(pad))
    throw new HeedError('ARGUMENT', `sequenceToSequence: pad is ${kindOf(pad)}`, {
      culprit: 'pad',
      cure: "Give the id of the tokenizer's <pad>",
    });
  return {
    decoding,
    metrics: predictionMetrics,
    prepare(model, { source, input, labels }) {
      const { vocab_size: vocabulary, max_position_embeddings: positions } = model.config ?? {};
      for (const [name, side] of Object.entries({ source, input })) {
        if (typeof positions === 'number') checkLengths(name, side, positions);
        if (typeof vocabulary === 'number') checkIds(name, side.ids, vocabulary);
      }
      const { engine } = model;
      return prediction(engine, {
        ...{ labels: labels.ids, ignoreIndex: pad, labelSmoothing },
        tokens: total(source) + total(input),
        logits: () => model.forward(toTensor(engine, source.ids), toTensor(engine, input.ids), Array.from(source.lengths)),
      });
    },
  };
}

const total = ({ lengths }: Padded): number => lengths.reduce((sum, length) => sum + length, 0);

/** Throws ExampleError for a row that is longer than the model's positions. */
function checkLengths(what: string, { lengths }: Padded, positions: number): void {
  const row = lengths.findIndex((length) => length > positions);
  if (row < 0) return;
  throw new ExampleError(row, `${what} has ${lengths[row]} tokens, and the model ${positions} positions`, {
    culprit: what,
    shape: [lengths[row] as number],
    cure: 'Leave longer examples out: `maxLength` of TranslationDataset',
  });
}
