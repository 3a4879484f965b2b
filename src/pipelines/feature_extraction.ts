/**
 * pipeline('feature-extraction'): texts to token states or sentence vectors. It tokenizes, sorts texts by length so that little
 * is padded, runs them in batches of about ENCODER_TOKENS tokens, and gives the results in the order of the texts.
 */
import type { Engine, EngineInfo } from '../engine/engine.js';
import { checkOptions, HeedError, kindOf } from '../errors.js';
import { type Folder, folderOf } from '../io/folder.js';
import { callable } from '../models/callable.js';
import { maxLengthOf } from '../models/inputs.js';
import { EncoderModel, type Model, type PretrainedOptions } from '../models/model.js';
import { HostTensor } from '../tensor.js';
import { batchesOf, ENCODER_TOKENS, padded } from '../text/rows.js';
import { type CallableTokenizer, Tokenizer } from '../text/tokenizer.js';
import { type Pooling, pool, poolings, readSentenceConfig, type SentenceConfig } from './pooling.js';
import { loadAll, type RunOptions, runOptionNames, textsOf } from './text.js';

export interface FeatureExtractionOptions extends RunOptions {
  /** 'none' (default): every token's state. 'mean': their mean. 'cls': the first one's. */
  pooling?: Pooling | undefined;
  /** Scale every vector to length 1. Default false. */
  normalize?: boolean | undefined;
  /** Tokens after which a text is cut. Default: sentence_bert_config.json, else model_max_length, else the model's positions. */
  max_length?: number | undefined;
}

const optionNames = ['pooling', 'normalize', 'max_length', ...runOptionNames];

export type FeatureExtractor = FeatureExtractionPipeline &
  ((texts: string | readonly string[], options?: FeatureExtractionOptions) => Promise<HostTensor>);

interface Job {
  index: number;
  ids: readonly number[];
}

export class FeatureExtractionPipeline {
  constructor(
    readonly tokenizer: CallableTokenizer,
    readonly model: Model,
    /** What the model's folder asks for, for those who want it: see `heed embed`. */
    readonly sentence: SentenceConfig,
  ) {}

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

  /** Texts → [B, C] with a pooling, [B, T, C] (padded with zeros) without. One text is a batch of one. */
  async call(texts: string | readonly string[], options: FeatureExtractionOptions = {}): Promise<HostTensor> {
    checkOptions(options, optionNames, 'feature-extraction');
    const { pooling = 'none', normalize = false, signal, onProgress } = options;
    if (typeof normalize !== 'boolean')
      throw new HeedError('ARGUMENT', `feature-extraction: normalize is ${kindOf(normalize)}`, {
        culprit: 'normalize',
        cure: 'It must be true or false',
      });
    if (!poolings.includes(pooling))
      throw new HeedError('ARGUMENT', `There is no pooling ${kindOf(pooling)}`, { culprit: 'pooling', cure: `Use ${poolings.join(', ')}` });
    const list = textsOf('feature-extraction', texts, options);
    const own = this.sentence.maxTokens ?? this.tokenizer.model_max_length;
    const max_length = maxLengthOf(options.max_length, own, this.model.encoder.dims.positions);
    const jobs: Job[] = [];
    for (const [index, text] of list.entries()) {
      jobs.push({ index, ids: this.tokenizer.encode(text, { truncation: true, max_length }) });
      await this.model.engine.turn(signal);
    }
    const C = this.model.encoder.dims.C;
    const longest = jobs.reduce((most, { ids }) => Math.max(most, ids.length), 0);
    const width = pooling === 'none' ? longest * C : C;
    const data = new Float32Array(jobs.length * width);
    let done = 0;
    for (const batch of batchesOf(jobs, ENCODER_TOKENS)) {
      const states = await this.#states(batch, signal);
      for (const [row, { index, ids }] of batch.entries()) {
        const own = states.subarray(row * (states.length / batch.length), row * (states.length / batch.length) + ids.length * C);
        data.set(pooling === 'none' ? own : pool(own, C, ids.length, pooling, normalize), index * width);
      }
      done += batch.length;
      onProgress?.(done, jobs.length);
    }
    if (pooling === 'none' && normalize)
      for (let i = 0; i < data.length; i += C) data.set(pool(data.subarray(i, i + C), C, 1, 'cls', true), i);
    return new HostTensor('float32', data, pooling === 'none' ? [jobs.length, longest, C] : [jobs.length, C]);
  }

  /** The last hidden states [B, T, C] of texts of about one length. */
  #states(batch: readonly Job[], signal: AbortSignal | undefined): Promise<Float32Array> {
    const { encoder } = this.model;
    const { ids, dims, lengths } = padded(
      batch.map((job) => job.ids),
      this.tokenizer.pad_token_id ?? 0,
    );
    const inputs = { ids, shape: dims, lengths };
    return this.model.run(function* () {
      const { lastHiddenState } = yield* encoder.steps(inputs);
      return lastHiddenState.toHost().data as Float32Array;
    }, signal);
  }

  /** What the engine got that runs it. */
  get info(): EngineInfo {
    return this.model.info;
  }

  /** Frees the model's weights. */
  dispose(): void {
    this.model.dispose();
  }
}
