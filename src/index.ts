/** Exports of heed, apart from those of src/entry, which are bound to a runtime. */

export type { Microphone, MicrophoneOptions } from './audio/microphone.js';
export { RawAudio } from './audio/raw_audio.js';
export * from './core.js';
export type { ImageProcessorOptions } from './image/auto.js';
export type { CallableImageProcessor, ImageProcessor, ProcessedImages } from './image/processor.js';
export {
  type ImageFormatOfTensor,
  type ImageInput,
  RawImage,
  type ReadImageOptions,
  type ResizeOptions,
} from './image/raw_image.js';
export type { Resampling } from './image/resample.js';
export type { Size } from './image/sizes.js';
export type { AddressLike, BitmapLike, CanvasLike, PixelsLike } from './image/source.js';
export { type Environment, LogLevel, type WasmEnvironment } from './io/env.js';
export type { CacheLike } from './io/url_cache.js';
export type { SideOutput } from './models/sides.js';
export type {
  ClassifierOptions,
  CTCRecognizer,
  DepthEstimator,
  DepthOutput,
  DetectionOutput,
  ImageReconstructor,
  ImageToImageOutput,
  LogitsOutput,
  MaskedLM,
  ObjectDetector,
  QuestionAnswerer,
  QuestionAnsweringOutput,
  SegmentationOutput,
  SemanticSegmenter,
  TaskModelOf,
  TaskOptions,
  TokenClassifier,
} from './models/task_model.js';
export type { Depth, DepthEstimation, DepthEstimationPipeline } from './pipelines/depth_estimation.js';
export type { ImageClassification, ImageClassificationOptions, ImageClassificationPipeline } from './pipelines/image_classification.js';
export type { ClassifyImagesOptions, ImageClassifier, LoadedImageClassifier } from './pipelines/image_classifier.js';
export type {
  ImageFeatureExtractionOptions,
  ImageFeatureExtractionPipeline,
  ImageFeatureExtractor,
} from './pipelines/image_feature_extraction.js';
export type { ImageSegmentation, ImageSegmentationOptions, ImageSegmentationPipeline, Segment } from './pipelines/image_segmentation.js';
export type { ImageToImage, ImageToImageOptions, ImageToImagePipeline } from './pipelines/image_to_image.js';
export type { Box, Detection, ObjectDetection, ObjectDetectionOptions, ObjectDetectionPipeline } from './pipelines/object_detection.js';
export type { Classification, Scoring } from './pipelines/scores.js';
export type { Classifier, ClassifyOptions, SequenceClassifier, TextInput } from './pipelines/sequence_classifier.js';
export type {
  ZeroShotImageClassification,
  ZeroShotImageClassificationOptions,
  ZeroShotImageClassificationPipeline,
} from './pipelines/zero_shot_image_classification.js';
export type { AutoProcessor, CallableProcessor, Processing, ProcessingOptions, Processor, ProcessorOptions } from './processor.js';
export type { ClassifierFitOptions, TextClassifier, TextExample, TrainableClassifier } from './train/classifier.js';
export type { FitClassifierOptions } from './train/classifier_fit.js';
export type { ImageClassifierFitOptions, ImageClassifierModel, ImageExample, TrainableImageClassifier } from './train/image_classifier.js';
