/**
 * pipeline('feature-extraction'): texts to token states or sentence vectors, as numbers or, for large collections, as a bit for each number. A call follows its
 * options, as in transformers.js; `encode` follows the settings of the model's folder, as in sentence-transformers.
 */
import type { Engine } from '../engine/engine.js';
import { checkOptions, HeedError, kindOf } from '../errors.js';
import { type Folder, folderOf } from '../io/folder.js';
import { allOf } from '../io/json.js';
import { callable } from '../models/callable.js';
import type { EncoderOutputs } from '../models/encoder.js';
import { maxLengthOf } from '../models/inputs.js';
import { EncoderModel, type Model } from '../models/model.js';
import { checkPretrained, type PretrainedOptions } from '../models/options.js';
import { hostFloats } from '../models/room.js';
import { expectBooleans } from '../ops/check.js';
import type { Runtime } from '../runtime/types.js';
import { drained } from '../steps.js';
import type { HostTensor } from '../tensor.js';
import { type CallableTokenizer, Tokenizer, tokenizerFilesOf } from '../text/tokenizer.js';
import { type Features, type Precision, packing } from './bits.js';
import { normalized, type Pooling, pool, type SentencePooling, sentencePoolings } from './pooling.js';
import { eachOf, type RunOptions, runOptionNames, runRows, tokensOf } from './rows.js';
import { describe, type SentenceConfig } from './sentence_config.js';
import { SentenceModules } from './sentence_modules.js';
import { checkCount, loadAll, TextPipeline, textsOf } from './text.js';

/** Options of a call of feature extraction. */
export interface FeatureExtractionOptions extends RunOptions {
  /**
   * 'none' (default): every token's state. 'mean': their mean. 'cls', 'first_token': the first one's. 'eos', 'last_token', 'lasttoken': the last one's. 'max': the
   * largest of each channel. 'mean_sqrt_len_tokens': their sum by the root of their number. 'weightedmean': their mean, the t-th counted t times. Several, in a list, one behind the other.
   */
  pooling?: Pooling | readonly SentencePooling[] | undefined;
  /** Scale every vector to length 1. Default false. */
  normalize?: boolean | undefined;
  /** `true` to convert vectors into bits, 1 where a number is above 0: eight in a byte, the first bit the highest. C must be a multiple of 8. Default false. */
  quantize?: boolean | undefined;
  /** Range of bytes of bits: 'binary' (default) from -128, an Int8Array; 'ubinary' from 0, a Uint8Array. Only with quantize. */
  precision?: Precision | undefined;
  /** Number of tokens at which a text is cut. Default: sentence_bert_config.json beside modules.json, else model_max_length, else the model's positions. */
  max_length?: number | undefined;
  /** Prompt before every text. Default: the prompt named by `prompt_name`, else none. */
  prompt?: string | undefined;
  /** Name of one of the model's own prompts, which are in config_sentence_transformers.json; `query` and `document` are always among them. */
  prompt_name?: string | undefined;
  /** Numbers of each vector that are kept, from its beginning, before `normalize`. Only with a pooling. */
  truncate_dim?: number | undefined;
}

/** Options of sentence embeddings; options that are not given are as in the model's folder. */
export interface SentenceOptions extends Omit<FeatureExtractionOptions, 'pooling'> {
  /** Pooling of the tokens' states. Default: the model's Pooling, else 'mean'. */
  pooling?: SentencePooling | readonly SentencePooling[] | undefined;
}

/** Processing of the texts of one call. */
interface Wish {
  /** Poolings in order; an empty list for the states of all tokens. */
  poolings: readonly SentencePooling[];
  modules: SentenceModules | undefined;
  /** `true` where the last module, a Normalize, runs. */
  withLast: boolean;
  normalize: boolean;
  prompt: string;
  truncate_dim: number | undefined;
  /** Tokens after which texts are cut, unless the caller says. */
  own: number | undefined;
}

const optionNames = [
  ...['pooling', 'normalize', 'quantize', 'precision', 'max_length', 'prompt', 'prompt_name', 'truncate_dim'],
  ...runOptionNames,
];
const methods = ['encode', 'encode_query', 'encode_document'] as const;

/** Texts to vectors: `extractor(texts, options)` does what its options say, `extractor.encode(texts)` what the model's folder says. */
export type FeatureExtractor = FeatureExtractionPipeline & FeatureExtractionPipeline['call'];

type Texts = string | readonly string[];
type Quantized = { quantize: true };
type Bits = HostTensor<Int8Array> | HostTensor<Uint8Array>;

/**
 * Texts to token states [B, T, C] or vectors [B, C], float32 or bits.
 * @example
 * ```js
 * const extractor = await pipeline('feature-extraction', 'sentence-transformers/all-MiniLM-L6-v2');
 * const documents = await extractor.encode(['Cats sleep a lot.', 'Rust is a language.']); // [2, 384]
 * const [hits] = semantic_search(await extractor.encode('pets'), documents, { top_k: 1 });
 * ```
 */
export class FeatureExtractionPipeline extends TextPipeline<Model> {
  constructor(
    tokenizer: CallableTokenizer,
    model: Model,
    /** Settings of sentence embeddings in the model's folder, which `encode` follows. */
    readonly sentence: SentenceConfig,
    private readonly modules: SentenceModules,
  ) {
    super(tokenizer, model);
  }

  /** Loads a model's folder and what its modules.json names. `pipeline` does it. */
  static async load(engine: Engine, model: string | Folder, options: PretrainedOptions = {}): Promise<FeatureExtractor> {
    checkPretrained(options);
    const { signal } = options;
    const folder = folderOf(engine.runtime, model);
    const { home, sentence: described } = await describe(folder, { signal });
    // The tokenizer is read while the weights are, which takes longer.
    const [encoder, tokenizer, sentence] = await loadAll(
      EncoderModel.load(engine, home, options),
      loadTokenizer(engine.runtime, home, described, signal),
      described,
    );
    try {
      const modules = await SentenceModules.load(engine, folder, sentence.modules, { signal });
      return callable(new FeatureExtractionPipeline(tokenizer, encoder, sentence, modules), methods);
    } catch (error) {
      encoder.dispose();
      throw error;
    }
  }

  /** Frees the model's weights, and those of its modules. */
  override dispose(): void {
    super.dispose();
    this.modules.dispose();
  }

  /** Texts → [B, C] with a pooling, [B, T, C] (padded with zeros) without; a last axis of bits is C/8 long. One text is a batch of one. */
  call(texts: Texts, options: FeatureExtractionOptions & Quantized): Promise<Bits>;
  call(texts: Texts, options?: FeatureExtractionOptions): Promise<HostTensor>;
  async call(texts: Texts, options: FeatureExtractionOptions = {}): Promise<Features> {
    checkOptions(options, optionNames, 'feature-extraction');
    const { pooling = 'none', normalize = false, truncate_dim } = options;
    const poolings = pooling === 'none' ? [] : poolingsOf(pooling);
    if (truncate_dim !== undefined && poolings.length === 0)
      throw new HeedError('ARGUMENT', 'truncate_dim would have no effect', { culprit: 'truncate_dim', cure: 'Give a pooling' });
    const prompt = this.#promptOf(options, undefined);
    const own = this.sentence.maxTokens;
    return this.#run(texts, options, { poolings, modules: undefined, withLast: true, normalize, prompt, truncate_dim, own });
  }

  /**
   * Texts → [B, C], sentence-transformers' `encode`: with the prompt, pooling, modules and dimensions that the model's folder names. Options win over it. With `normalize`
   * vectors are of length 1 when they have been cut by truncate_dim; without, as the model's own modules leave them; false leaves out a Normalize at the end.
   */
  encode(texts: Texts, options: SentenceOptions & Quantized): Promise<Bits>;
  encode(texts: Texts, options?: SentenceOptions): Promise<HostTensor>;
  async encode(texts: Texts, options: SentenceOptions = {}): Promise<Features> {
    return this.#encode(texts, options, this.sentence.maxTokens);
  }

  /** `encode` with the model's prompt for queries, unless another is asked for. */
  encode_query(texts: Texts, options: SentenceOptions & Quantized): Promise<Bits>;
  encode_query(texts: Texts, options?: SentenceOptions): Promise<HostTensor>;
  async encode_query(texts: Texts, options: SentenceOptions = {}): Promise<Features> {
    const { maxTokens, taskTokens } = this.sentence;
    return this.#encode(texts, named(options, 'query'), taskTokens.query ?? maxTokens);
  }

  /** `encode` with the model's prompt for documents, unless another is asked for. */
  encode_document(texts: Texts, options: SentenceOptions & Quantized): Promise<Bits>;
  encode_document(texts: Texts, options?: SentenceOptions): Promise<HostTensor>;
  async encode_document(texts: Texts, options: SentenceOptions = {}): Promise<Features> {
    const { maxTokens, taskTokens } = this.sentence;
    return this.#encode(texts, named(options, 'document'), taskTokens.document ?? maxTokens);
  }

  async #encode(texts: Texts, options: SentenceOptions, own: number | undefined): Promise<Features> {
    checkOptions(options, optionNames, 'encode');
    const { sentence, modules } = this;
    const { pooling = sentence.pooling ?? 'mean', normalize, truncate_dim = sentence.truncate_dim } = options;
    return this.#run(texts, options, {
      ...{ poolings: poolingsOf(pooling), modules, withLast: normalize !== false || !sentence.normalize, normalize: normalize ?? false },
      ...{ prompt: this.#promptOf(options, sentence.default_prompt_name), truncate_dim, own },
    });
  }

  /** Prompt before every text: `prompt`, else the prompt named `prompt_name`, else the prompt named `otherwise`. Throws ARGUMENT. */
  #promptOf({ prompt, prompt_name }: FeatureExtractionOptions, otherwise: string | undefined): string {
    const { prompts } = this.sentence;
    if (prompt !== undefined) {
      if (typeof prompt === 'string') return prompt;
      throw new HeedError('ARGUMENT', `prompt is ${kindOf(prompt)}`, { culprit: 'prompt', cure: 'It must be a text' });
    }
    const name = prompt_name ?? otherwise;
    if (name === undefined) return '';
    const found = typeof name === 'string' && Object.hasOwn(prompts, name) ? prompts[name] : undefined;
    if (found !== undefined) return found;
    const cure = `The model has ${Object.keys(prompts).join(', ')}`;
    throw new HeedError('ARGUMENT', `There is no prompt ${kindOf(name)}`, { culprit: 'prompt_name', cure });
  }

  async #run(texts: Texts, options: FeatureExtractionOptions, wish: Wish): Promise<Features> {
    const { quantize = false, precision, signal, onProgress } = options;
    const { poolings, modules, withLast, normalize, prompt, truncate_dim } = wish;
    expectBooleans('feature-extraction', { normalize, quantize });
    if (truncate_dim !== undefined) checkCount('feature-extraction', 'truncate_dim', truncate_dim);
    const { C, positions } = this.model.encoder.dims;
    const whole = poolings.length * C;
    const full = modules?.widthOf(whole) ?? whole;
    const channels = poolings.length ? Math.min(full, truncate_dim ?? full) : C;
    const pack = packing(quantize, precision, channels);
    const list = textsOf('feature-extraction', texts, options);
    const max_length = maxLengthOf(options.max_length, wish.own ?? this.tokenizer.model_max_length, positions);
    const encode = (text: string) => this.tokenizer.rowSteps(text, { truncation: true, max_length });
    const found = await eachOf(this.model.engine, list, (text) => encode(prompt + text), signal);
    const rows = found.map(({ ids }, index) => ({ index, ids }));
    const skip = this.sentence.include_prompt || prompt === '' ? 0 : tokensBefore(this.tokenizer, drained(encode(prompt)).ids);
    const longest = rows.reduce((most, { ids }) => Math.max(most, ids.length), 0);
    const width = poolings.length ? channels : longest * C;
    const data = hostFloats([rows.length, width]);
    const read = ({ lastHiddenState }: EncoderOutputs, batch: typeof rows) => {
      const states = tokensOf(lastHiddenState, batch, 'states');
      const vectors = poolings.length ? states.map((own) => pool(own, C, poolings, skip)) : states.map((own) => Float64Array.from(own));
      for (const [i, vector] of (modules?.run(vectors, withLast) ?? vectors).entries()) {
        const kept = poolings.length ? vector.subarray(0, channels) : vector;
        const at = (batch[i]?.index ?? 0) * width;
        if (!normalize) data.set(kept, at);
        else for (let t = 0; t < kept.length; t += channels) data.set(normalized(kept.subarray(t, t + channels)), at + t);
      }
      return states;
    };
    await runRows(this.model, rows, read, { pad: this.tokenizer.pad_token_id, signal, onProgress });
    return pack(data, poolings.length ? [rows.length, channels] : [rows.length, longest, C]);
  }
}

/** Throws ARGUMENT for an unknown pooling. */
function poolingsOf(pooling: Pooling | readonly SentencePooling[]): readonly SentencePooling[] {
  const list = (Array.isArray(pooling) ? pooling : [pooling]) as readonly SentencePooling[];
  const strange = list.find((one) => !sentencePoolings.includes(one));
  if (strange === undefined && list.length > 0 && !list.includes(undefined as never)) return list;
  const cure = `Use none, ${sentencePoolings.join(', ')}`;
  throw new HeedError('ARGUMENT', `There is no pooling ${kindOf(list.length ? strange : pooling)}`, { culprit: 'pooling', cure });
}

/** Options that ask for a prompt, if none is asked for. */
const named = (options: SentenceOptions, prompt_name: string): SentenceOptions =>
  options?.prompt === undefined && options?.prompt_name === undefined ? { ...options, prompt_name } : options;

/** Tokens of a prompt that stand before a text's own: all but a special one at the end. */
function tokensBefore(tokenizer: CallableTokenizer, ids: readonly number[]): number {
  const { bos_token_id, eos_token_id, unk_token_id, sep_token_id, pad_token_id, cls_token_id, mask_token_id } = tokenizer;
  const special = [bos_token_id, eos_token_id, unk_token_id, sep_token_id, pad_token_id, cls_token_id, mask_token_id];
  return ids.length - Number(special.includes(ids.at(-1)));
}

/** A folder's tokenizer, which makes texts lower case where the folder's sentence config wants it. */
async function loadTokenizer(runtime: Runtime, folder: Folder, described: Promise<SentenceConfig>, signal: AbortSignal | undefined) {
  const [files, { lowercase }] = await allOf([tokenizerFilesOf(folder, { signal }), described]);
  return Tokenizer.from({ ...files, lowercase }, folder.locate, { folder, runtime });
}
