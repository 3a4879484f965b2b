/** heed on a runtime with every architecture, tokenizer and task registered, and names on Hugging Face's hub. */
import { bind } from './bind.js';
import { VERSION } from './engine/build.js';
import { ggufReader } from './gguf.js';
import { attachMethods } from './host/index.js';
import { environmentOf } from './io/env.js';
import { registerReader } from './io/find.js';
import { hubOf } from './io/hub.js';
import { registerArchitecture } from './models/architecture.js';
import { bart } from './models/bart.js';
import { bert } from './models/bert.js';
import { bertGeneration } from './models/bert_generation.js';
import { camembert } from './models/camembert.js';
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
import { mpnet } from './models/mpnet.js';
import { pegasus } from './models/pegasus.js';
import { roberta } from './models/roberta.js';
import { mt5, t5 } from './models/t5.js';
import { xlmRoberta } from './models/xlm_roberta.js';
import { dense, layerNormModule } from './pipelines/dense.js';
import { fillMask } from './pipelines/fill_mask.js';
import { questionAnswering } from './pipelines/question_answering.js';
import { registerSentenceModule } from './pipelines/sentence_modules.js';
import { registerTask } from './pipelines/tasks.js';
import { textClassification } from './pipelines/text_classification.js';
import { textGeneration } from './pipelines/text_generation.js';
import { summarization, text2textGeneration, translation } from './pipelines/text2text.js';
import { tokenClassification } from './pipelines/token_classification.js';
import { zeroShotClassification } from './pipelines/zero_shot_classification.js';
import { registerComposed } from './remote/client.js';
import { stream } from './remote/stream.js';
import type { Runtime } from './runtime/types.js';
import { chatTemplates } from './text/chat.js';
import { registerChatTemplates } from './text/chat_options.js';
import { moreTokenizers } from './text/classes/more.js';
import { registerTokenizers } from './text/classes/names.js';

/** `bind`, with every registration that heed/core leaves to the program, settings `env`, and a `hub` that finds models by them. */
export function bindAll(runtime: Runtime) {
  registerArchitecture(
    ...[bert, ernie, bertGeneration, roberta, xlmRoberta, camembert, data2vecText, distilbert, mpnet, electra, modernbert],
    ...[heedTransformer, marian, bart, mbart, m2m100, pegasus, t5, mt5],
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
  registerTask(textClassification, tokenClassification, questionAnswering, zeroShotClassification, fillMask);
  registerSentenceModule(dense, layerNormModule);
  registerComposed('stream', stream);
  registerTask(textGeneration, translation, summarization, text2textGeneration);
  const env = environmentOf(runtime, VERSION);
  const hub = hubOf(runtime, env);
  const heed = bind(runtime, hub, () => {
    const { numThreads: threads } = env.backends.onnx.wasm;
    return threads ? { threads } : undefined;
  });
  return { ...heed, env, hub };
}
