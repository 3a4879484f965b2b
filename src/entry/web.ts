/**
 * heed: models, tokenizers and pipelines, with every architecture. It has the same names in every runtime, and in heed/inline, where the kernels are inside of the module.
 * @module heed
 */
import { bindFeatureExtractor } from '../audio/auto.js';
import { bindMicrophone } from '../audio/microphone.js';
import { bindReadAudio } from '../audio/read.js';
import * as autos from '../autos.js';
import { bindAll } from '../bind_all.js';
import { bindEstimate, bindHost } from '../bind_models.js';
import { bindImageProcessor } from '../image/auto.js';
import { bindConfig } from '../io/auto_config.js';
import { bindRead, bindWrite } from '../io/tensor_files.js';
import { bindProcessor } from '../processor.js';
import { pageRuntime } from '../runtime/web-page.js';

export * from '../index.js';

const heed = bindAll(pageRuntime);
// A name of its own: what reads a member would stay in bundles that do not use it.
const { hub } = heed;
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
/** Loads models that tell how far away each pixel of a picture is: `predicted_depth` [B, H, W], metres, or, of a relative model, more for what is nearer. */
export const AutoModelForDepthEstimation = /* @__PURE__ */ heed.auto('AutoModelForDepthEstimation', autos.AutoModelForDepthEstimation);
/**
 * Loads models that tell what a picture shows, or, with `num_labels` or `id2label`, puts a new head on one; `fit` trains it.
 * @example
 * ```js
 * const processor = await AutoImageProcessor.from_pretrained('google/vit-base-patch16-224');
 * const model = await AutoModelForImageClassification.from_pretrained('google/vit-base-patch16-224');
 * const { pixel_values } = await processor(await RawImage.read('cat.jpg'));
 * const { logits } = await model({ pixel_values });
 * await model.classify('cat.jpg'); // { label: 'tabby, tabby cat', score: 0.7 }
 * ```
 */
export const AutoModelForImageClassification = /* @__PURE__ */ heed.auto(
  'AutoModelForImageClassification',
  autos.AutoModelForImageClassification,
);
/** Loads models that make pictures of pictures, larger or better ones: `reconstruction` [B, c, H, W], numbers from 0 to 1. */
export const AutoModelForImageToImage = /* @__PURE__ */ heed.auto('AutoModelForImageToImage', autos.AutoModelForImageToImage);
/** Loads models that tell what is where in a picture: `logits` [B, N, classes + 1], the last class being nothing, and `pred_boxes` [B, N, 4], centre, width and height as shares of the picture's. */
export const AutoModelForObjectDetection = /* @__PURE__ */ heed.auto('AutoModelForObjectDetection', autos.AutoModelForObjectDetection);
/**
 * Loads models that score letters at every step of a sound, wav2vec 2.0: `logits` [B, T, V].
 * @example
 * ```js
 * const extractor = await AutoFeatureExtractor.from_pretrained('facebook/wav2vec2-base-960h');
 * const model = await AutoModelForCTC.from_pretrained('facebook/wav2vec2-base-960h');
 * const { input_values } = await extractor(await read_audio('speech.wav', 16_000));
 * const { logits } = await model({ input_values });
 * ```
 */
export const AutoModelForCTC = /* @__PURE__ */ heed.auto('AutoModelForCTC', autos.AutoModelForCTC);
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
 * Loads a language model: `model.generate` continues a text, `model(inputs)` scores each of its tokens.
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
/** Loads models that tell what each place of a picture is: `logits` [B, labels, h, w], of a quarter of the height and width. */
export const AutoModelForSemanticSegmentation = /* @__PURE__ */ heed.auto(
  'AutoModelForSemanticSegmentation',
  autos.AutoModelForSemanticSegmentation,
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
 * Loads a model that hears: `model.generate` writes what is said in a sound, `model(inputs)` scores a text.
 * @example
 * ```js
 * const model = await AutoModelForSpeechSeq2Seq.from_pretrained('openai/whisper-tiny');
 * const extractor = await AutoFeatureExtractor.from_pretrained('openai/whisper-tiny');
 * const { input_features } = await extractor(await read_audio('speech.wav', 16_000));
 * const ids = await model.generate({ input_features, language: 'de', return_timestamps: true }); // int32 [B, T]
 * console.log(tokenizer.batch_decode(ids, { skip_special_tokens: true }));
 * ```
 */
export const AutoModelForSpeechSeq2Seq = /* @__PURE__ */ heed.auto('AutoModelForSpeechSeq2Seq', autos.AutoModelForSpeechSeq2Seq);
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
/** Loads the encoder of texts of a CLIP: `text_embeds` [B, P], as they are projected. */
export const CLIPTextModelWithProjection = /* @__PURE__ */ heed.auto('CLIPTextModelWithProjection', autos.CLIPTextModelWithProjection);
/** Loads the encoder of pictures of a CLIP: `image_embeds` [B, P], as they are projected. */
export const CLIPVisionModelWithProjection = /* @__PURE__ */ heed.auto(
  'CLIPVisionModelWithProjection',
  autos.CLIPVisionModelWithProjection,
);
/** Loads the encoder of texts of a SigLIP: `pooler_output` [B, P]. */
export const SiglipTextModel = /* @__PURE__ */ heed.auto('SiglipTextModel', autos.SiglipTextModel);
/** Loads the encoder of pictures of a SigLIP: `pooler_output` [B, P]. */
export const SiglipVisionModel = /* @__PURE__ */ heed.auto('SiglipVisionModel', autos.SiglipVisionModel);
/**
 * Reads a model's config.json, without its weights.
 * @example
 * ```js
 * const { model_type, hidden_size } = await AutoConfig.from_pretrained('google-bert/bert-base-uncased');
 * ```
 */
export const AutoConfig = /* @__PURE__ */ bindConfig(pageRuntime, hub);
/**
 * Reads the image processor that a model brings along: pictures to what the model reads, with the bits of transformers and Pillow.
 * @example
 * ```js
 * const processor = await AutoImageProcessor.from_pretrained('facebook/dinov2-small');
 * const { pixel_values } = await processor(['cat.png', 'dog.png']); // float32 [2, 3, 224, 224]
 * ```
 */
export const AutoImageProcessor = /* @__PURE__ */ bindImageProcessor(pageRuntime, hub);
/**
 * Loads what makes features of sound for a model.
 * @example
 * ```js
 * const extractor = await AutoFeatureExtractor.from_pretrained('openai/whisper-tiny.en');
 * const { input_features } = await extractor(await read_audio('speech.wav', 16_000));
 * ```
 */
export const AutoFeatureExtractor = /* @__PURE__ */ bindFeatureExtractor(pageRuntime, hub);
/**
 * Loads what stands before a model and behind it: what reads its pictures or hears its sounds, and its tokenizer.
 * @example
 * ```js
 * const processor = await AutoProcessor.from_pretrained('openai/clip-vit-base-patch32');
 * const inputs = await processor('cat.jpg', ['a cat', 'a dog']); // pixel_values, input_ids, attention_mask
 * ```
 */
export const AutoProcessor = /* @__PURE__ */ bindProcessor(pageRuntime, hub);
/**
 * Reads sound from anywhere, as one channel of float32 samples at a rate.
 * @example
 * ```js
 * const samples = await read_audio('speech.wav', 16_000);
 * ```
 */
export const read_audio = /* @__PURE__ */ bindReadAudio(pageRuntime);
/**
 * Hears what a page's microphone hears, in pieces, for `for await`.
 * @example
 * ```js
 * const pieces = microphone({ seconds: 1 });
 * for await (const samples of pieces) console.log(samples.length); // 16,000 of a Float32Array
 * ```
 */
// Of so small a file Vite would make a data: URL, which strict policies forbid.
export const microphone = /* @__PURE__ */ bindMicrophone(() => new URL('../runtime/microphone-worker.js?no-inline', import.meta.url));
/**
 * Estimates a model's cost before it is loaded: bytes to fetch, memory of weights and of a forward. Reads only config.json and the headers of the weights.
 * @example
 * ```js
 * const { download, memory } = await estimate('google-bert/bert-base-uncased', { dtype: 'q8' }); // bytes
 * ```
 */
export const estimate = /* @__PURE__ */ bindEstimate(pageRuntime, hub);
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
/** Loads and runs the models of a page, in a worker of yours that the page gave as `worker`. Call it at the top of the worker's module. */
export const hostModels = /* @__PURE__ */ bindHost(heed, autos.all);
