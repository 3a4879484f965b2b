/** The public API with every architecture. */
import { type AutoConfig, autos, bind, bindConfig, bindEstimate, bindRead, bindWrite, type Heed, type WriteSafetensors } from './core.js';
import { VERSION } from './engine/build.js';
import { Seq2SeqModel } from './generation/seq2seq.js';
import { attachMethods } from './host/index.js';
import { type Environment, environmentOf } from './io/env.js';
import { hubOf } from './io/hub.js';
import { registerArchitecture } from './models/architecture.js';
import { bart } from './models/bart.js';
import { bert } from './models/bert.js';
import { bertGeneration } from './models/bert_generation.js';
import { camembert } from './models/camembert.js';
import { data2vecText } from './models/data2vec_text.js';
import { distilbert } from './models/distilbert.js';
import { electra } from './models/electra.js';
import { ernie } from './models/ernie.js';
import { heedTransformer } from './models/heed_transformer.js';
import { marian } from './models/marian.js';
import { modernbert } from './models/modernbert.js';
import { mpnet } from './models/mpnet.js';
import { roberta } from './models/roberta.js';
import { mt5, t5 } from './models/t5.js';
import { MaskedLMModel, QuestionAnsweringModel, TokenClassificationModel } from './models/task_model.js';
import { xlmRoberta } from './models/xlm_roberta.js';
import { dense, layerNormModule } from './pipelines/dense.js';
import { fillMask } from './pipelines/fill_mask.js';
import { questionAnswering } from './pipelines/question_answering.js';
import { registerSentenceModule } from './pipelines/sentence_modules.js';
import { registerTask } from './pipelines/tasks.js';
import { textClassification } from './pipelines/text_classification.js';
import { summarization, text2textGeneration, translation } from './pipelines/text2text.js';
import { tokenClassification } from './pipelines/token_classification.js';
import { zeroShotClassification } from './pipelines/zero_shot_classification.js';
import type { Runtime } from './runtime/types.js';
import { chatTemplates } from './text/chat.js';
import { registerChatTemplates } from './text/chat_options.js';
import { moreTokenizers } from './text/classes/more.js';
import { registerTokenizers } from './text/classes/names.js';
import { TrainableClassifier } from './train/classifier.js';

export * from './core.js';

export { type Environment, LogLevel, type WasmEnvironment } from './io/env.js';
export type { CacheLike } from './io/url_cache.js';
export type { Classification, Scoring } from './models/scores.js';
export type { Classifier, ClassifyOptions, SequenceClassifier, TextInput } from './models/sequence_classifier.js';
export type {
  ClassifierOptions,
  LogitsOutput,
  MaskedLM,
  QuestionAnswerer,
  QuestionAnsweringOutput,
  TaskModelOf,
  TaskOptions,
  TokenClassifier,
} from './models/task_model.js';
export type { ClassifierFitOptions, TextClassifier, TextExample, TrainableClassifier } from './train/classifier.js';

const all = {
  ...autos,
  /** Scores of tokens. */
  AutoModelForMaskedLM: MaskedLMModel,
  /** Scores of where answers begin and end. */
  AutoModelForQuestionAnswering: QuestionAnsweringModel,
  /** Texts to texts. */
  AutoModelForSeq2SeqLM: Seq2SeqModel,
  /** Labels of texts, and what learns them. */
  AutoModelForSequenceClassification: TrainableClassifier,
  /** Labels of tokens. */
  AutoModelForTokenClassification: TokenClassificationModel,
};

/** What heed has beside `Heed`. */
interface Beside {
  /** A model's config.json. */
  AutoConfig: AutoConfig;
  /** Settings. */
  env: Environment;
  /** What a model takes, before it is loaded. */
  estimate: ReturnType<typeof bindEstimate>;
  /** Tensors out of files. */
  readSafetensors: ReturnType<typeof bindRead>;
  /** Tensors into files. */
  writeSafetensors: WriteSafetensors;
}

/** heed's API on a runtime: `bind`, with every architecture, tokenizer and task registered, and what needs files. */
export function bindAll(runtime: Runtime): Heed<typeof all> & Beside {
  registerArchitecture(
    ...[bert, ernie, bertGeneration, roberta, xlmRoberta, camembert, data2vecText, distilbert, mpnet, electra, modernbert],
    ...[heedTransformer, marian, bart, t5, mt5],
  );
  registerTokenizers(moreTokenizers);
  registerChatTemplates(chatTemplates);
  attachMethods();
  registerTask(textClassification, tokenClassification, questionAnswering, zeroShotClassification, fillMask);
  registerSentenceModule(dense, layerNormModule);
  registerTask(translation, summarization, text2textGeneration);
  const env = environmentOf(runtime, VERSION);
  const hub = hubOf(runtime, env);
  const heed = bind(runtime, all, hub, () => {
    const { numThreads: threads } = env.backends.onnx.wasm;
    return threads ? { threads } : undefined;
  });
  const [AutoConfig, estimate] = [bindConfig(runtime, hub), bindEstimate(runtime, hub)];
  return { ...heed, AutoConfig, env, estimate, readSafetensors: bindRead(runtime), writeSafetensors: bindWrite(runtime) };
}
