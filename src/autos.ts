/**
 * Loaders of models, by the names under which the entries export them. Each is bound by itself, so that a bundle holds those that its program names: training, which
 * AutoModelForSequenceClassification brings along, is in no other. It is no dynamic import, which service workers do not have, and workers that are bundled into one
 * file neither.
 */
import { CausalModel } from './generation/causal.js';
import { Seq2SeqModel } from './generation/seq2seq.js';
import { EncoderModel } from './models/model.js';
import { MaskedLMModel, QuestionAnsweringModel, TokenClassificationModel } from './models/task_model.js';
import { TrainableClassifier } from './train/classifier.js';

export {
  CausalModel as AutoModelForCausalLM,
  EncoderModel as AutoModel,
  MaskedLMModel as AutoModelForMaskedLM,
  QuestionAnsweringModel as AutoModelForQuestionAnswering,
  Seq2SeqModel as AutoModelForSeq2SeqLM,
  TokenClassificationModel as AutoModelForTokenClassification,
  TrainableClassifier as AutoModelForSequenceClassification,
};

/** All of them, for workers, which do not know what a page will name. */
export const all = () => ({
  AutoModel: EncoderModel,
  AutoModelForCausalLM: CausalModel,
  AutoModelForMaskedLM: MaskedLMModel,
  AutoModelForQuestionAnswering: QuestionAnsweringModel,
  AutoModelForSeq2SeqLM: Seq2SeqModel,
  AutoModelForSequenceClassification: TrainableClassifier,
  AutoModelForTokenClassification: TokenClassificationModel,
});
