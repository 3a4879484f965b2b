/**
 * heed/train: parts for training beside heed/nn and heed/ops: the Trainer, optimizers, schedules, data, a tokenizer's trainer, metrics.
 * @module heed/train
 */
export { HeedTransformer, type HeedTransformerConfig } from '../models/heed_transformer.js';
export { type SaveOptions, save_pretrained } from '../models/save.js';
export { type BpeOptions, type TokenizerJson, trainBpe } from '../text/train_bpe.js';
export { Adam, type AdamOptions, AdamW } from './adam.js';
export type { Batches } from './batches.js';
export type { ClassifierFitOptions, TextClassifier, TextExample } from './classifier.js';
export type { FitClassifierOptions } from './classifier_fit.js';
export * from './data/index.js';
export { type GeneratingOptions, generating, type TextDecoder } from './decoding.js';
export type { Checkpointing, EarlyStopping, FitOptions, FitResult, TrainingProgress, TrainingRecord } from './fit.js';
export type { ImageClassifierFitOptions, ImageClassifierModel, ImageExample } from './image_classifier.js';
export * from './metrics/index.js';
export {
  type Decoding,
  ExampleError,
  type Exercise,
  type Ids,
  type Limits,
  type Metrics,
  type Objective,
  type Prediction,
  prediction,
  predictionMetrics,
  type Sums,
} from './objective.js';
export { type CausalLMModel, type CausalLMOptions, causalLM } from './objectives/causal_lm.js';
export {
  type ClassificationBatch,
  type ClassificationOptions,
  classification,
  type ImageClassificationBatch,
  imageClassification,
} from './objectives/classification.js';
export { type MaskedLMModel, type MaskedLMOptions, type MaskingTokenizer, maskedLM } from './objectives/masked_lm.js';
export { multiLabelClassification } from './objectives/multi_label_classification.js';
export type { ClassificationModel, ImageClassificationModel, LabelledBatch, LabelledImages, NumbersBatch } from './objectives/numbers.js';
export { regression } from './objectives/regression.js';
export { type SequenceToSequenceModel, type SequenceToSequenceOptions, sequenceToSequence } from './objectives/sequence_to_sequence.js';
export { type Group, type Named, Optimizer, type OptimizerState, type StepOptions } from './optimizer.js';
export type { ExampleLabel } from './problem.js';
export { type Schedule, type ScheduleName, type ScheduleOptions, schedule } from './schedule.js';
export { SGD, type SgdOptions } from './sgd.js';
export { TensorBoard, type TensorBoardOptions } from './tensorboard.js';
export { type StepMemory, Trainer, type TrainerOptions } from './trainer.js';
