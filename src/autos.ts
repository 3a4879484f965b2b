/**
 * Loaders of models, by the names under which the entries export them. Each loader is bound by itself, so that a bundle holds only those that its program names:
 * training, which AutoModelForSequenceClassification brings along, is in no other. Dynamic imports would not do, since service workers do not have them, nor do
 * workers that are bundled into one file.
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

/** Returns all loaders, for workers, which do not know which ones a page will name. */
export const all = () => ({
  AutoModel: EncoderModel,
  AutoModelForCausalLM: CausalModel,
  AutoModelForMaskedLM: MaskedLMModel,
  AutoModelForQuestionAnswering: QuestionAnsweringModel,
  AutoModelForSeq2SeqLM: Seq2SeqModel,
  AutoModelForSequenceClassification: TrainableClassifier,
  AutoModelForTokenClassification: TokenClassificationModel,
});
