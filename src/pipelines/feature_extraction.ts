/**
 * pipeline('feature-extraction'): texts to token states or sentence vectors, as numbers or, for large collections, as a bit for each number.
 */
import type { Engine } from '../engine/engine.js';
import { checkOptions, HeedError, kindOf } from '../errors.js';
import { type Folder, folderOf } from '../io/folder.js';
import { callable } from '../models/callable.js';
import type { EncoderOutputs } from '../models/encoder.js';
import { maxLengthOf } from '../models/inputs.js';
import { EncoderModel, type Model, type PretrainedOptions } from '../models/model.js';
import { hostFloats } from '../models/room.js';
import { eachOf, type RunOptions, runOptionNames, runRows, tokensOf } from '../models/rows.js';
import { expectBooleans } from '../ops/check.js';
import type { HostTensor } from '../tensor.js';
import { type CallableTokenizer, Tokenizer } from '../text/tokenizer.js';
import { type Features, type Precision, packing } from './bits.js';
import { type Pooling, pool, poolings, readSentenceConfig, type SentenceConfig } from './pooling.js';
import { loadAll, TextPipeline, textsOf } from './text.js';

export interface FeatureExtractionOptions extends RunOptions {
  /** 'none' (default): every token's state. 'mean': their mean. 'cls', 'first_token': the first one's. 'eos', 'last_token': the last one's. */
  pooling?: Pooling | undefined;
  /** Scale every vector to length 1. Default false. */
  normalize?: boolean | undefined;
  /** Whether vectors become bits, 1 where a number is above 0: eight in a byte, the first of them the highest. C must be a multiple of 8. Default false. */
  quantize?: boolean | undefined;
  /** How bytes of bits are counted: 'binary' (default) from -128, an Int8Array; 'ubinary' from 0, a Uint8Array. Only with quantize. */
  precision?: Precision | undefined;
  /** Tokens after which a text is cut. Default: sentence_bert_config.json, else model_max_length, else the model's positions. */
  max_length?: number | undefined;
}

const optionNames = ['pooling', 'normalize', 'quantize', 'precision', 'max_length', ...runOptionNames];

export type FeatureExtractor = FeatureExtractionPipeline & FeatureExtractionPipeline['call'];

export class FeatureExtractionPipeline extends TextPipeline<Model> {
  constructor(
    tokenizer: CallableTokenizer,
    model: Model,
    /** What the model's folder asks for, for those who want it: see `heed embed`. */
    readonly sentence: SentenceConfig,
  ) {
    super(tokenizer, model);
  }

  static async load(engine: Engine, model: string | Folder, options: PretrainedOptions = {}): Promise<FeatureExtractor> {
    const { signal } = options;
    const folder = folderOf(engine.runtime, model);
    // The tokenizer is read while the weights are, which takes longer.
    const [encoder, tokenizer, sentence] = await loadAll(
      EncoderModel.load(engine, folder, options),
      Tokenizer.load(folder, { signal }),
      readSentenceConfig(folder, { signal }),
    );
    return callable(new FeatureExtractionPipeline(tokenizer, encoder, sentence));
  }

  /** Texts → [B, C] with a pooling, [B, T, C] (padded with zeros) without; a last axis of bits is C/8 long. One text is a batch of one. */
  call(
    texts: string | readonly string[],
    options: FeatureExtractionOptions & { quantize: true },
  ): Promise<HostTensor<Int8Array> | HostTensor<Uint8Array>>;
  call(texts: string | readonly string[], options?: FeatureExtractionOptions): Promise<HostTensor>;
  async call(texts: string | readonly string[], options: FeatureExtractionOptions = {}): Promise<Features> {
    checkOptions(options, optionNames, 'feature-extraction');
    const { pooling = 'none', normalize = false, quantize = false, precision, signal, onProgress } = options;
    expectBooleans('feature-extraction', { normalize, quantize });
    if (!poolings.includes(pooling))
      throw new HeedError('ARGUMENT', `There is no pooling ${kindOf(pooling)}`, { culprit: 'pooling', cure: `Use ${poolings.join(', ')}` });
    const { C, positions } = this.model.encoder.dims;
    const pack = packing(quantize, precision, C);
    const list = textsOf('feature-extraction', texts, options);
    const max_length = maxLengthOf(options.max_length, this.sentence.maxTokens ?? this.tokenizer.model_max_length, positions);
    const encode = (text: string) => this.tokenizer.rowSteps(text, { truncation: true, max_length });
    const rows = (await eachOf(this.model.engine, list, encode, signal)).map(({ ids }, index) => ({ index, ids }));
    const longest = rows.reduce((most, { ids }) => Math.max(most, ids.length), 0);
    const width = pooling === 'none' ? longest * C : C;
    const data = hostFloats([rows.length, width]);
    const read = ({ lastHiddenState }: EncoderOutputs, batch: typeof rows) =>
      tokensOf(lastHiddenState, batch).map((states, i) => data.set(pool(states, C, pooling, normalize), (batch[i]?.index ?? 0) * width));
    await runRows(this.model, rows, read, { pad: this.tokenizer.pad_token_id, signal, onProgress });
    return pack(data, pooling === 'none' ? [rows.length, longest, C] : [rows.length, C]);
  }
}
