/** The public API with every architecture. */
import { autos, bind, type Heed } from './core.js';
import { Seq2SeqModel } from './generation/seq2seq.js';
import { registerArchitecture } from './models/architecture.js';
import { bart } from './models/bart.js';
import { bert } from './models/bert.js';
import { heedTransformer } from './models/heed_transformer.js';
import { marian } from './models/marian.js';
import { MaskedLMModel } from './models/masked_lm.js';
import { t5 } from './models/t5.js';
import { fillMask } from './pipelines/fill_mask.js';
import { registerTask } from './pipelines/tasks.js';
import { textClassification } from './pipelines/text_classification.js';
import { summarization, text2textGeneration, translation } from './pipelines/text2text.js';
import { zeroShotClassification } from './pipelines/zero_shot_classification.js';
import type { Runtime } from './runtime/types.js';
import { TrainableClassifier } from './train/classifier.js';

export * from './core.js';

export type { MaskedLM, MaskedLMOutput } from './models/masked_lm.js';
export type { Classification, Scoring } from './models/scores.js';
export type { Classifier, ClassifierOptions, ClassifierOutput, ClassifyOptions, TextInput } from './models/sequence_classifier.js';
export type { ClassifierFitOptions, TextClassifier, TextExample } from './train/classifier.js';

const all = {
  ...autos,
  AutoModelForMaskedLM: MaskedLMModel,
  AutoModelForSeq2SeqLM: Seq2SeqModel,
  AutoModelForSequenceClassification: TrainableClassifier,
};

export function bindAll(runtime: Runtime): Heed<typeof all> {
  registerArchitecture(bert, heedTransformer, marian, bart, t5);
  registerTask(textClassification, zeroShotClassification, fillMask, translation, summarization, text2textGeneration);
  return bind(runtime, all);
}
