/**
 * Sequence to sequence: the decoder reads the target so far, and predicts each next token; padding does not count (Sutskever et al. 2014,
 * arXiv 1409.3215, trained with the right answers as input). Batches come from `TranslationDataset.collate`.
 */
import type { Engine } from '../../engine/engine.js';
import { checkOptions, HeedError, kindOf } from '../../errors.js';
import type { Tensor } from '../../tensor.js';
import type { TranslationBatch } from '../data/translation.js';
import {
  checkRows,
  checkSmoothing,
  type Decoding,
  type Limits,
  type Objective,
  prediction,
  predictionMetrics,
  tokensIn,
  toTensor,
} from '../objective.js';

/** Anything that translates: source [B, S], target [B, T] int32, the sources' lengths → logits [B, T, V]. */
export interface SequenceToSequenceModel {
  /** Engine on which the model runs. */
  readonly engine: Engine;
  /** source [B, S], target [B, T] int32, the sources' lengths without padding → logits [B, T, V]. */
  forward(source: Tensor, target: Tensor, lengths: readonly number[]): Tensor;
  /** Config of the model: batches are checked against its vocabulary size and its positions, where given. */
  readonly config?: Limits | undefined;
}

/** Options of sequenceToSequence. */
export interface SequenceToSequenceOptions<Model> {
  /** Id of the padding, which is no target. */
  pad: number;
  /** Label smoothing: share of a target that all tokens share in training, 0 to 1. Default 0. Evaluation uses none. */
  labelSmoothing?: number | undefined;
  /** Decoding by which texts that the model generates are scored. */
  decoding?: Decoding<Model, TranslationBatch> | undefined;
}

/**
 * The objective of translating: cross entropy of logits [B, T, V], each target's next token.
 * @example new Trainer(model, { objective: sequenceToSequence({ pad: 0, labelSmoothing: 0.1 }), … })
 */
export function sequenceToSequence<Model extends SequenceToSequenceModel>(
  options: SequenceToSequenceOptions<Model>,
): Objective<Model, TranslationBatch> {
  checkOptions(options, ['pad', 'labelSmoothing', 'decoding'], 'sequenceToSequence');
  const { pad, labelSmoothing = 0, decoding } = options;
  checkSmoothing('sequenceToSequence', labelSmoothing);
  if (!Number.isSafeInteger(pad))
    throw new HeedError('ARGUMENT', `sequenceToSequence: pad is ${kindOf(pad)}`, {
      culprit: 'pad',
      cure: "Give the id of the tokenizer's <pad>",
    });
  return {
    decoding,
    metrics: predictionMetrics,
    prepare(model, { source, input, labels }) {
      checkRows('source', source, model.config);
      checkRows('input', input, model.config);
      const { engine } = model;
      return prediction(engine, {
        ...{ labels: labels.ids, ignoreIndex: pad, labelSmoothing },
        tokens: tokensIn(source) + tokensIn(input),
        logits: () => model.forward(toTensor(engine, source.ids), toTensor(engine, input.ids), Array.from(source.lengths)),
      });
    },
  };
}
