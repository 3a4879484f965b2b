/** heed on a runtime with every architecture, tokenizer and task registered, and names on Hugging Face's hub. */

import { setAudioHome } from './audio/raw_audio.js';
import { bind } from './bind.js';
import { VERSION } from './engine/build.js';
import { ggufReader } from './gguf.js';
import { attachMethods } from './host/index.js';
import { pictures } from './image/crossing.js';
import { setImageHome } from './image/home.js';
import { environmentOf } from './io/env.js';
import { registerReader } from './io/find.js';
import { hubOf } from './io/hub.js';
import { registerArchitecture } from './models/architecture.js';
import { bart } from './models/bart.js';
import { bert } from './models/bert.js';
import { bertGeneration } from './models/bert_generation.js';
import { camembert } from './models/camembert.js';
import { clipText, clipVision } from './models/clip.js';
import { data2vecText } from './models/data2vec_text.js';
import {
  bloom,
  gemma2,
  gemma3,
  gpt2,
  gptNeox,
  granite,
  lfm2,
  llama,
  ministral,
  ministral3,
  mistral,
  olmo2,
  olmoe,
  opt,
  phi3,
  qwen2,
  qwen3,
  qwen3Moe,
  smollm3,
} from './models/decoders.js';
import { distilbert } from './models/distilbert.js';
import { electra } from './models/electra.js';
import { ernie } from './models/ernie.js';
import { heedTransformer } from './models/heed_transformer.js';
import { m2m100 } from './models/m2m_100.js';
import { marian } from './models/marian.js';
import { mbart } from './models/mbart.js';
import { modernbert } from './models/modernbert.js';
import { moonshine } from './models/moonshine.js';
import { mpnet } from './models/mpnet.js';
import { pegasus } from './models/pegasus.js';
import { roberta } from './models/roberta.js';
import { siglipText, siglipVision } from './models/siglip.js';
import { swin2sr } from './models/swin2sr.js';
import { mt5, t5 } from './models/t5.js';
import {
  clip,
  deit,
  depthAnything,
  detr,
  dinov2,
  dinov2WithRegisters,
  dinov3,
  segformer,
  siglip,
  vit,
  yolos,
} from './models/vision_models.js';
import { wav2vec2 } from './models/wav2vec2.js';
import { whisper } from './models/whisper.js';
import { xlmRoberta } from './models/xlm_roberta.js';
import { dense, layerNormModule } from './pipelines/dense.js';
import { depthEstimation } from './pipelines/depth_estimation.js';
import { fillMask } from './pipelines/fill_mask.js';
import { imageClassification } from './pipelines/image_classification.js';
import { imageFeatureExtraction } from './pipelines/image_feature_extraction.js';
import { imageSegmentation } from './pipelines/image_segmentation.js';
import { imageToImage } from './pipelines/image_to_image.js';
import { objectDetection } from './pipelines/object_detection.js';
import { questionAnswering } from './pipelines/question_answering.js';
import { registerSentenceModule } from './pipelines/sentence_modules.js';
import { automaticSpeechRecognition } from './pipelines/speech/recognition.js';
import { registerTask } from './pipelines/tasks.js';
import { textClassification } from './pipelines/text_classification.js';
import { textGeneration } from './pipelines/text_generation.js';
import { summarization, text2textGeneration, translation } from './pipelines/text2text.js';
import { tokenClassification } from './pipelines/token_classification.js';
import { zeroShotClassification } from './pipelines/zero_shot_classification.js';
import { zeroShotImageClassification } from './pipelines/zero_shot_image_classification.js';
import { adapterOf } from './remote/adapter.js';
import { registerComposed } from './remote/client.js';
import { classifyOf, fitOf } from './remote/examples.js';
import { registerResult } from './remote/protocol.js';
import { registerCrossing } from './remote/references.js';
import { stream } from './remote/stream.js';
import type { Runtime } from './runtime/types.js';
import { chatTemplates } from './text/chat.js';
import { registerChatTemplates } from './text/chat_options.js';
import { moreTokenizers } from './text/classes/more.js';
import { registerTokenizers } from './text/classes/names.js';
import * as crossing from './text/crossing.js';

/** `bind`, with every registration that heed/core leaves to the program, settings `env`, and a `hub` that finds models by them. */
export function bindAll(runtime: Runtime) {
  registerArchitecture(
    ...[bert, ernie, bertGeneration, roberta, xlmRoberta, camembert, data2vecText, distilbert, mpnet, electra, modernbert],
    ...[vit, deit, dinov2, dinov2WithRegisters, dinov3, clip, siglip, yolos, detr, depthAnything, segformer],
    ...[clipText, clipVision, siglipText, siglipVision],
    ...[heedTransformer, marian, bart, mbart, m2m100, pegasus, t5, mt5, whisper, wav2vec2, moonshine, swin2sr],
    ...[
      bloom,
      gemma2,
      gemma3,
      gpt2,
      gptNeox,
      granite,
      lfm2,
      llama,
      ministral,
      ministral3,
      mistral,
      olmo2,
      olmoe,
      opt,
      phi3,
      qwen2,
      qwen3,
      qwen3Moe,
      smollm3,
    ],
  );
  registerTokenizers(moreTokenizers);
  registerReader(ggufReader);
  registerChatTemplates(chatTemplates);
  attachMethods();
  registerCrossing(crossing);
  registerResult(pictures);
  registerTask(textClassification, tokenClassification, questionAnswering, zeroShotClassification, fillMask);
  registerTask(
    imageClassification,
    imageFeatureExtraction,
    zeroShotImageClassification,
    objectDetection,
    depthEstimation,
    imageSegmentation,
  );
  registerSentenceModule(dense, layerNormModule);
  registerTask(textGeneration, translation, summarization, text2textGeneration, automaticSpeechRecognition, imageToImage);
  const env = environmentOf(runtime, VERSION);
  const hub = hubOf(runtime, env);
  registerComposed('stream', stream);
  registerComposed('classify', classifyOf);
  registerComposed('fit', fitOf);
  registerComposed('load_adapter', adapterOf(runtime, hub));
  const heed = bind(runtime, hub, () => {
    const { numThreads: threads } = env.backends.onnx.wasm;
    return threads ? { threads } : undefined;
  });
  setImageHome({ runtime, engine: heed.sharedEngine });
  setAudioHome(runtime);
  return { ...heed, env, hub };
}
