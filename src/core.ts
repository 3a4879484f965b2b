/** Exports of heed/core, beside those that src/entry adds, which are bound to a runtime. No architecture is registered. */

export type { AutoFeatureExtractor, FeatureExtractorOptions } from './audio/auto.js';
export { type AudioDecoder, type DecodedAudio, registerAudioDecoder } from './audio/decode.js';
export type { Ears } from './audio/ears.js';
export type { AudioFeatureExtractor, CallableAudioFeatureExtractor, FeatureOptions, Features, Sounds } from './audio/feature_extractor.js';
export type { AudioSource, ReadAudio, ReadAudioOptions, SampledAudio } from './audio/read.js';
export { Engine, type EngineInfo, type EngineOptions } from './engine/engine.js';
export type { MemoryUse } from './engine/memory.js';
export { type ErrorCode, type ErrorDetails, errorCodes, HeedError } from './errors.js';
export type { Assistant, AssistantOptions } from './generation/assistant.js';
export type {
  CausalGenerateOptions,
  CausalGenerateOutput,
  CausalLM,
  CausalModel,
  CausalOutput,
} from './generation/causal.js';
export type { CausalInputs } from './generation/causal_texts.js';
export type { GenerationConfig } from './generation/config.js';
export {
  InterruptableStoppingCriteria,
  LogitsProcessor,
  type LogitsProcessorFunction,
  type OwnOptions,
  StoppingCriteria,
  type StoppingCriteriaFunction,
} from './generation/own.js';
export { DynamicCache, type PrefixCache } from './generation/past.js';
export type { Perplexity } from './generation/perplexity.js';
export { type Constrain, type Constrains, registerResponseFormats } from './generation/response_format.js';
export type {
  Generate,
  GenerateOptions,
  GenerateOutput,
  Seq2SeqInputs,
  Seq2SeqLM,
  Seq2SeqModel,
  Seq2SeqOutput,
} from './generation/seq2seq.js';
export type { Streamer, TokenLogprob } from './generation/sequence.js';
export type {
  FeatureTensor,
  SpeechGenerate,
  SpeechGenerateOptions,
  SpeechGenerateOutput,
  SpeechInputs,
} from './generation/speech/asking.js';
export type { SpeechGenerationConfig } from './generation/speech/config.js';
export type { SpeechModel, SpeechSeq2Seq } from './generation/speech/model.js';
export type { Segment } from './generation/speech/segments.js';
export type { TextStream } from './generation/stream.js';
export { TextStreamer, type TextStreamerOptions } from './generation/streamer.js';
export {
  cat,
  full,
  full_like,
  interpolate,
  layer_norm,
  log_softmax,
  mean,
  mean_pooling,
  ones,
  ones_like,
  permute,
  quantize_embeddings,
  rand,
  randn,
  softmax,
  stack,
  std_mean,
  Tensor,
  Tensor as HostTensor,
  type TensorConstructor,
  topk,
  zeros,
  zeros_like,
} from './host/index.js';
export type { AnyData, HostData, HostDtype, Nested } from './host/tensor.js';
export type { AutoConfig } from './io/auto_config.js';
export type { ModelSource, SourceOptions } from './io/find.js';
export type { ModelFile, ModelFiles } from './io/given.js';
export type { ProgressEvent } from './io/progress.js';
export type {
  ReadTensorsOptions,
  WritableTensor,
  WriteSafetensors,
  WriteTensorsOptions,
} from './io/tensor_files.js';
export type { TensorSource } from './io/weights_folder.js';
export type { AdapterNames, AdapterOptions, NewAdapterOptions } from './models/adapters.js';
export { type Architecture, defineArchitecture, registerArchitecture } from './models/architecture.js';
export { bart } from './models/bart.js';
export { bert } from './models/bert.js';
export { bertGeneration } from './models/bert_generation.js';
export { camembert } from './models/camembert.js';
export { data2vecText } from './models/data2vec_text.js';
export * from './models/decoders.js';
export { distilbert } from './models/distilbert.js';
export { electra } from './models/electra.js';
export { Encoder } from './models/encoder.js';
export { EncoderDecoder, SpeechEncoderDecoder } from './models/encoder_decoder.js';
export { ernie } from './models/ernie.js';
export type { Estimate, EstimateOptions } from './models/estimate.js';
export { heedTransformer } from './models/heed_transformer.js';
export { ImageEncoder } from './models/image_encoder.js';
export type { LoraAdapter } from './models/lora.js';
export type { LoraConfig } from './models/lora_config.js';
export { m2m100 } from './models/m2m_100.js';
export { marian } from './models/marian.js';
export { mbart } from './models/mbart.js';
export type {
  CallOptions,
  EncoderModel,
  Insights,
  Model,
  ModelCall,
  ModelInputs,
  ModelOutput,
  PixelInputs,
  SampleInputs,
} from './models/model.js';
export { modernbert } from './models/modernbert.js';
export { moonshine } from './models/moonshine.js';
export { mpnet } from './models/mpnet.js';
export type { AdaptedOptions, PretrainedOptions, TokenizerOptions, TrainableOptions } from './models/options.js';
export { pegasus } from './models/pegasus.js';
export { roberta } from './models/roberta.js';
export { mt5, t5 } from './models/t5.js';
export * from './models/vision_models.js';
export { wav2vec2 } from './models/wav2vec2.js';
export { whisper } from './models/whisper.js';
export { xlmRoberta } from './models/xlm_roberta.js';
export type { Precision } from './pipelines/bits.js';
export { dense, layerNormModule } from './pipelines/dense.js';
export type { AggregationStrategy } from './pipelines/entities.js';
export type {
  FeatureExtractionOptions,
  FeatureExtractionPipeline,
  FeatureExtractor,
  SentenceOptions,
} from './pipelines/feature_extraction.js';
export { type FilledMask, type FillMask, type FillMaskOptions, type FillMaskPipeline, fillMask } from './pipelines/fill_mask.js';
export type { Pooling, SentencePooling } from './pipelines/pooling.js';
export {
  type Answer,
  type QuestionAnswering,
  type QuestionAnsweringOptions,
  type QuestionAnsweringPipeline,
  questionAnswering,
} from './pipelines/question_answering.js';
export type { RankedDocument, RankOptions } from './pipelines/rank.js';
export type { SentenceConfig } from './pipelines/sentence_config.js';
export { registerSentenceModule, type SentenceModule, type SentenceModuleKind } from './pipelines/sentence_modules.js';
export {
  cos_sim,
  dot,
  euclidean_sim,
  magnitude,
  manhattan_sim,
  type SearchHit,
  type SearchOptions,
  type SimilarityName,
  semantic_search,
  similarity,
  type Vector,
  type Vectors,
} from './pipelines/similarity.js';
export type { SpeechRecognitionOptions } from './pipelines/speech/asked.js';
export {
  automaticSpeechRecognition,
  type Recognize,
  type SpeechRecognitionPipeline,
  type SpeechRecognizer,
  type Transcription,
} from './pipelines/speech/recognition.js';
export type { SpeechChunk } from './pipelines/speech/words.js';
export { registerTask, type Task, type Tasks } from './pipelines/tasks.js';
export {
  type TextClassification,
  type TextClassificationOptions,
  type TextClassificationPipeline,
  textClassification,
} from './pipelines/text_classification.js';
export {
  type Generated,
  type PerplexityOptions,
  type TextGeneration,
  type TextGenerationOptions,
  type TextGenerationPipeline,
  textGeneration,
} from './pipelines/text_generation.js';
export {
  type Summarizer,
  summarization,
  type Text2TextOptions,
  type Text2TextPipeline,
  type TextGenerator,
  type TextToText,
  type TranslationOptions,
  type Translator,
  text2textGeneration,
  translation,
} from './pipelines/text2text.js';
export {
  type EntityGroup,
  type EntityToken,
  type TokenClassification,
  type TokenClassificationOptions,
  type TokenClassificationPipeline,
  tokenClassification,
} from './pipelines/token_classification.js';
export {
  type ZeroShotAnswer,
  type ZeroShotClassification,
  type ZeroShotClassificationOptions,
  type ZeroShotClassificationPipeline,
  zeroShotClassification,
} from './pipelines/zero_shot_classification.js';
export type { Binary, Port, Runtime } from './runtime/types.js';
export { type Dtype, type Tensor as EngineTensor, tensor } from './tensor.js';
export { chatTemplates } from './text/chat.js';
export { type ChatOptions, type ChatRenderer, type Conversation, type Message, registerChatTemplates } from './text/chat_options.js';
export { moreTokenizers } from './text/classes/more.js';
export { registerTokenizers, type TokenizerTable } from './text/classes/names.js';
export type {
  Batch,
  BatchOptions,
  CallableTokenizer,
  DecodeOptions,
  EncodeOptions,
  Encoding,
  EncodingOptions,
  IdTensor,
  IntTensor,
  ListBatch,
  Tokenizer,
} from './text/tokenizer.js';
