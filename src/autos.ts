/**
 * Loaders of models, by the names under which the entries export them. Each loader is bound by itself, so that a bundle holds only those that its program names:
 * training, which only AutoModelForSequenceClassification and AutoModelForImageClassification contain, is in no other. Dynamic imports would not do, since service workers do not have them, nor do
 * workers that are bundled into one file.
 */
import { CausalModel } from './generation/causal.js';
import { Seq2SeqModel } from './generation/seq2seq.js';
import { SpeechModel } from './generation/speech/model.js';
import { EncoderModel } from './models/model.js';
import { ClipTextModel, ClipVisionModel, SiglipText, SiglipVision } from './models/sides.js';
import {
  CTCModel,
  DepthEstimationModel,
  ImageToImageModel,
  MaskedLMModel,
  ObjectDetectionModel,
  QuestionAnsweringModel,
  SemanticSegmentationModel,
  TokenClassificationModel,
} from './models/task_model.js';
import { TrainableClassifier } from './train/classifier.js';
import { TrainableImageClassifier } from './train/image_classifier.js';

export {
  CausalModel as AutoModelForCausalLM,
  ClipTextModel as CLIPTextModelWithProjection,
  ClipVisionModel as CLIPVisionModelWithProjection,
  CTCModel as AutoModelForCTC,
  DepthEstimationModel as AutoModelForDepthEstimation,
  EncoderModel as AutoModel,
  ImageToImageModel as AutoModelForImageToImage,
  MaskedLMModel as AutoModelForMaskedLM,
  ObjectDetectionModel as AutoModelForObjectDetection,
  QuestionAnsweringModel as AutoModelForQuestionAnswering,
  SemanticSegmentationModel as AutoModelForSemanticSegmentation,
  Seq2SeqModel as AutoModelForSeq2SeqLM,
  SiglipText as SiglipTextModel,
  SiglipVision as SiglipVisionModel,
  SpeechModel as AutoModelForSpeechSeq2Seq,
  TokenClassificationModel as AutoModelForTokenClassification,
  TrainableClassifier as AutoModelForSequenceClassification,
  TrainableImageClassifier as AutoModelForImageClassification,
};

/** Returns all loaders, for workers, which do not know which ones a page will name. */
export const all = () => ({
  AutoModel: EncoderModel,
  AutoModelForCTC: CTCModel,
  AutoModelForCausalLM: CausalModel,
  AutoModelForDepthEstimation: DepthEstimationModel,
  AutoModelForImageClassification: TrainableImageClassifier,
  AutoModelForImageToImage: ImageToImageModel,
  AutoModelForMaskedLM: MaskedLMModel,
  AutoModelForObjectDetection: ObjectDetectionModel,
  AutoModelForQuestionAnswering: QuestionAnsweringModel,
  AutoModelForSemanticSegmentation: SemanticSegmentationModel,
  AutoModelForSeq2SeqLM: Seq2SeqModel,
  AutoModelForSequenceClassification: TrainableClassifier,
  AutoModelForSpeechSeq2Seq: SpeechModel,
  AutoModelForTokenClassification: TokenClassificationModel,
  CLIPTextModelWithProjection: ClipTextModel,
  CLIPVisionModelWithProjection: ClipVisionModel,
  SiglipTextModel: SiglipText,
  SiglipVisionModel: SiglipVision,
});
