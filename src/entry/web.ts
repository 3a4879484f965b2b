/**
 * heed: models, tokenizers and pipelines, with every architecture. It has the same names in every runtime, and in heed/inline, where the kernels come inside of the module.
 * @module heed
 */
import * as autos from '../autos.js';
import { bindEstimate, bindHost } from '../bind.js';
import { bindAll } from '../bind_all.js';
import { bindConfig } from '../io/auto_config.js';
import { bindRead, bindWrite } from '../io/tensor_files.js';
import { pageRuntime } from '../runtime/web-page.js';

export * from '../index.js';

const heed = bindAll(pageRuntime);
export const {
  /**
   * Starts an engine: the kernels, their memory and their threads. Models that are given none share one that starts by itself; `heed/nn` and `heed/ops` need one. Throws
   * ARGUMENT for options that cannot be, UNSUPPORTED where there is no WebAssembly SIMD, MEMORY.
   * @example
   * ```js
   * const engine = await createEngine({ threads: 4 });
   * console.log(engine.info); // { threads: 4, simd: 'relaxed', … }
   * await engine.dispose();
   * ```
   */
  createEngine,
  /**
   * Loads a model and its tokenizer for a task: 'feature-extraction', 'text-classification', 'token-classification', 'question-answering', 'zero-shot-classification',
   * 'fill-mask', 'text-generation', 'translation', 'summarization', 'text2text-generation'. Without a model the task's own is taken, and the console says which. What comes back is a function
   * of texts; `dispose()` frees the weights. Rejects with UNSUPPORTED for a task or architecture that is not registered, NOT_FOUND, NETWORK, FORMAT, MODEL_MISMATCH, MEMORY, or `signal.reason`.
   * @example
   * ```js
   * const embed = await pipeline('feature-extraction', 'sentence-transformers/all-MiniLM-L6-v2');
   * const vectors = await embed(['a cat', 'a dog'], { pooling: 'mean', normalize: true }); // float32 [2, 384]
   * ```
   */
  pipeline,
  /**
   * Reads the tokenizer that a model brings along: texts to token ids and back.
   * @example
   * ```js
   * const tokenizer = await AutoTokenizer.from_pretrained('google-bert/bert-base-uncased');
   * const { input_ids, attention_mask } = tokenizer(['a cat', 'two dogs'], { padding: true }); // int32 [2, T]
   * console.log(tokenizer.batch_decode(input_ids, { skip_special_tokens: true })); // ['a cat', 'two dogs']
   * ```
   */
  AutoTokenizer,
  /**
   * Settings, as transformers.js has them: where models come from and where they are kept.
   * @example
   * ```js
   * env.localModelPath = '/srv/models/';
   * env.allowRemoteModels = false;
   * ```
   */
  env,
} = heed;
/**
 * Loads an encoder of a registered architecture. It is a function of what a tokenizer gives: token ids [B, T] to `last_hidden_state` [B, T, C].
 * @example
 * ```js
 * const tokenizer = await AutoTokenizer.from_pretrained('google-bert/bert-base-uncased');
 * const model = await AutoModel.from_pretrained('google-bert/bert-base-uncased');
 * const { last_hidden_state } = await model(tokenizer(['a cat', 'a dog'], { padding: true })); // [2, T, 768]
 * ```
 */
export const AutoModel = /* @__PURE__ */ heed.auto('AutoModel', autos.AutoModel);
/**
 * Loads an encoder that scores tokens: `logits` [B, T, V] of what may stand at each place.
 * @example
 * ```js
 * const model = await AutoModelForMaskedLM.from_pretrained('google-bert/bert-base-uncased');
 * const { logits } = await model(tokenizer('Paris is the [MASK] of France.'));
 * ```
 */
export const AutoModelForMaskedLM = /* @__PURE__ */ heed.auto('AutoModelForMaskedLM', autos.AutoModelForMaskedLM);
/**
 * Loads a language model: `model.generate` goes on from a text, `model(inputs)` scores each of its tokens.
 * @example
 * ```js
 * const tokenizer = await AutoTokenizer.from_pretrained('HuggingFaceTB/SmolLM2-135M-Instruct');
 * const model = await AutoModelForCausalLM.from_pretrained('HuggingFaceTB/SmolLM2-135M-Instruct');
 * const messages = [{ role: 'user', content: 'Write one sentence about the sea.' }];
 * const inputs = tokenizer.apply_chat_template(messages, { add_generation_prompt: true });
 * const ids = await model.generate({ ...inputs, max_new_tokens: 40 }); // int32 [1, T]
 * console.log(tokenizer.batch_decode(ids, { skip_special_tokens: true }));
 * ```
 */
export const AutoModelForCausalLM = /* @__PURE__ */ heed.auto('AutoModelForCausalLM', autos.AutoModelForCausalLM);
/**
 * Loads an encoder that scores where in a text an answer begins and ends: `start_logits`, `end_logits` [B, T].
 * @example
 * ```js
 * const model = await AutoModelForQuestionAnswering.from_pretrained('distilbert/distilbert-base-cased-distilled-squad');
 * const { start_logits, end_logits } = await model(tokenizer('Who?', { text_pair: 'Ada did.' }));
 * ```
 */
export const AutoModelForQuestionAnswering = /* @__PURE__ */ heed.auto(
  'AutoModelForQuestionAnswering',
  autos.AutoModelForQuestionAnswering,
);
/**
 * Loads an encoder-decoder: `model.generate` writes a text for a source, `model(inputs)` scores one.
 * @example
 * ```js
 * const tokenizer = await AutoTokenizer.from_pretrained('google-t5/t5-small');
 * const model = await AutoModelForSeq2SeqLM.from_pretrained('google-t5/t5-small');
 * const ids = await model.generate({ ...tokenizer('translate English to German: Hello.'), num_beams: 4 }); // int32 [1, T]
 * console.log(tokenizer.batch_decode(ids, { skip_special_tokens: true }));
 * ```
 */
export const AutoModelForSeq2SeqLM = /* @__PURE__ */ heed.auto('AutoModelForSeq2SeqLM', autos.AutoModelForSeq2SeqLM);
/**
 * Loads an encoder that labels texts, or, with `num_labels` or `id2label`, puts a new head on one; `fit` trains it.
 * @example
 * ```js
 * const model = await AutoModelForSequenceClassification.from_pretrained('google-bert/bert-base-uncased', { id2label: ['no', 'yes'], trainable: true });
 * await model.fit([{ text: 'Gladly.', label: 'yes' }, { text: 'Never.', label: 'no' }], { epochs: 3 });
 * ```
 */
export const AutoModelForSequenceClassification = /* @__PURE__ */ heed.auto(
  'AutoModelForSequenceClassification',
  autos.AutoModelForSequenceClassification,
);
/**
 * Loads an encoder that labels tokens: `logits` [B, T, labels].
 * @example
 * ```js
 * const model = await AutoModelForTokenClassification.from_pretrained('dslim/bert-base-NER');
 * const { logits } = await model(tokenizer('Ada lives in London.'));
 * ```
 */
export const AutoModelForTokenClassification = /* @__PURE__ */ heed.auto(
  'AutoModelForTokenClassification',
  autos.AutoModelForTokenClassification,
);
/**
 * Reads a model's config.json, without its weights.
 * @example
 * ```js
 * const { model_type, hidden_size } = await AutoConfig.from_pretrained('google-bert/bert-base-uncased');
 * ```
 */
export const AutoConfig = /* @__PURE__ */ bindConfig(pageRuntime, heed.hub);
/**
 * Estimates a model's cost before it is loaded: bytes to fetch, memory of weights and of a forward. Reads only config.json and the headers of the weights.
 * @example
 * ```js
 * const { download, memory } = await estimate('google-bert/bert-base-uncased', { dtype: 'q8' }); // bytes
 * ```
 */
export const estimate = /* @__PURE__ */ bindEstimate(pageRuntime, heed.hub);
/**
 * Reads the tensors of a safetensors file, of an index of shards, of a folder or of bytes, by their names. Half precision is widened to float32. Rejects with FORMAT for what
 * is no such file, MODEL_MISMATCH for one of `names` that is not there, NOT_FOUND, NETWORK, or `signal.reason`.
 * @example
 * ```js
 * const { 'linear.weight': weight } = await readSafetensors('model.safetensors', { names: ['linear.weight'] });
 * console.log(weight.dims, weight.type);
 * ```
 */
export const readSafetensors = /* @__PURE__ */ bindRead(pageRuntime);
/**
 * Writes tensors, by their names, into a safetensors file, or, with `maxShardSize`, into shards and their index; without a file it gives the bytes. Rejects with ARGUMENT for
 * what is no tensor, DTYPE for one of a type that safetensors has not, STORAGE, UNSUPPORTED where there are no files.
 * @example
 * ```js
 * await writeSafetensors({ weight: new Tensor('float32', [1, 2, 3, 4], [2, 2]) }, 'weights.safetensors');
 * ```
 */
export const writeSafetensors = /* @__PURE__ */ bindWrite(pageRuntime);
/** In a worker of yours: loads and runs the models of a page that gave it as `worker`. Call it at the top of the worker's module. */
export const hostModels = /* @__PURE__ */ bindHost(heed, autos.all);
