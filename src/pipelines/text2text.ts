/**
 * pipeline('translation'), ('summarization') and ('text2text-generation'): texts to texts, by an encoder-decoder. The three are one class;
 * a task has the name of its results, and the splitting of texts into sentences. Results come in the order of the texts, in transformers.js's form.
 */
import type { Engine } from '../engine/engine.js';
import { checkOptions, HeedError } from '../errors.js';
import { checkGenerationValues, type GenerationConfig, generationOptionNames } from '../generation/config.js';
import { type Seq2SeqLM, Seq2SeqModel } from '../generation/seq2seq.js';
import type { Streamer } from '../generation/sequence.js';
import type { Folder } from '../io/folder.js';
import { callable } from '../models/callable.js';
import type { PretrainedOptions } from '../models/options.js';
import { expectBooleans } from '../ops/check.js';
import { drained } from '../steps.js';
import { batchesOf, padded } from '../text/rows.js';
import type { CallableTokenizer } from '../text/tokenizer.js';
import { type Languages, type Route, Routes } from './languages.js';
import { eachOf, type RunOptions, runOptionNames } from './rows.js';
import { joined, type Paragraphs, sentenceSteps } from './sentences.js';
import { loadText, TextPipeline, textsOf, wrong } from './text.js';

/** Source tokens of a batch, times beams: enough rows that weights are read for many at once. */
const BATCH_TOKENS = 1024;

/** Options of a call: how texts are read, and how the model writes. */
export interface Text2TextOptions extends GenerationConfig, RunOptions {
  /** `true` to cut sources that are too long for the model, `false` to throw. Default: the task's. */
  truncation?: boolean | undefined;
  /** `true` to remove spaces before punctuation. Default: as in the tokenizer's files. */
  clean_up_tokenization_spaces?: boolean | undefined;
  /** Streamer that receives tokens as they are generated, one text or sentence after the other. */
  streamer?: Streamer | undefined;
}

/** Options of a call of translation: those of text2text-generation, and languages. */
export interface TranslationOptions extends Text2TextOptions, Languages {}

interface Text2TextTask {
  readonly name: string;
  /** The member of a result. */
  readonly key: string;
  readonly options: readonly string[];
  readonly truncation: boolean;
  /** Function that cuts a text into the pieces that the model reads at a time. */
  readonly cut: (text: string) => Generator<void, Paragraphs>;
}

function* whole(text: string): Generator<void, Paragraphs> {
  yield;
  return { lead: '', sentences: [{ text, gap: '' }] };
}

const define = <Key extends string, Options extends Text2TextOptions>(task: Text2TextTask & { readonly key: Key }) => ({
  /** Name of the task, as `pipeline` takes it. */
  name: task.name,
  /** Default model of the task. */
  // t5-small has prefixes for all three tasks.
  model: 'google-t5/t5-small@df1b051c49625cf57a3d0d8d3863ed4d13564fe4',
  /** Loads a model's folder, for `pipeline`. */
  load: (engine: Engine, folder: string | Folder, options: PretrainedOptions = {}) =>
    Text2TextPipeline.load(task, engine, folder, options) as unknown as Promise<TextToText<Key, Options>>,
});

/** A pipeline of one of the tasks. With num_return_sequences, a text has several results, one after the other. */
export type TextToText<Key extends string, Options> = Text2TextPipeline &
  ((texts: string | readonly string[], options?: Options) => Promise<{ [K in Key]: string }[]>);
/** Texts into another language: [{ translation_text }]. */
export type Translator = TextToText<'translation_text', TranslationOptions>;
/** Texts into shorter ones: [{ summary_text }]. */
export type Summarizer = TextToText<'summary_text', Text2TextOptions>;
/** Texts to texts: [{ generated_text }]. */
export type TextGenerator = TextToText<'generated_text', Text2TextOptions>;

/** Cuts texts into sentences, and puts their translations together. */
export const translation = /* @__PURE__ */ define<'translation_text', TranslationOptions>({
  name: 'translation',
  key: 'translation_text',
  options: ['src_lang', 'tgt_lang'],
  truncation: false,
  cut: sentenceSteps,
});
/** Task for `registerTask`. Cuts texts that are longer than the model's context. */
export const summarization = /* @__PURE__ */ define<'summary_text', Text2TextOptions>({
  name: 'summarization',
  key: 'summary_text',
  options: [],
  truncation: true,
  cut: whole,
});
/** Task for `registerTask`. Cuts texts that are longer than the model's context. */
export const text2textGeneration = /* @__PURE__ */ define<'generated_text', Text2TextOptions>({
  name: 'text2text-generation',
  key: 'generated_text',
  options: [],
  truncation: true,
  cut: whole,
});

/** A piece of a text, on its way. */
interface Job {
  ids: readonly number[];
  route: Route;
  /** Generated texts, for example translations: as many as num_return_sequences. */
  results: string[];
}

/**
 * Texts to texts, by an encoder-decoder.
 * @example
 * ```js
 * const translate = await pipeline('translation', 'google-t5/t5-small');
 * const [{ translation_text }] = await translate('Hello.', { src_lang: 'en', tgt_lang: 'de', num_beams: 4 });
 * ```
 */
export class Text2TextPipeline extends TextPipeline<Seq2SeqLM> {
  readonly #task: Text2TextTask;
  readonly #routes: Routes;

  constructor(tokenizer: CallableTokenizer, model: Seq2SeqLM, task: Text2TextTask) {
    super(tokenizer, model);
    this.#task = task;
    this.#routes = new Routes(model.config, task.name, tokenizer, model.generation_config);
  }

  /** Loads a model's folder for one of the tasks. `pipeline` does it. */
  static async load(task: Text2TextTask, engine: Engine, from: string | Folder, options: PretrainedOptions = {}) {
    return loadText(Seq2SeqModel, engine, from, options, (tokenizer, model) =>
      callable(new Text2TextPipeline(tokenizer, model, task), ['encode']),
    );
  }

  /** A result for each text, under the task's key. Rejects with ARGUMENT, UNSUPPORTED, or `signal.reason`. */
  async call(texts: string | readonly string[], options: TranslationOptions = {}): Promise<Record<string, string>[]> {
    const { name, key, options: own, truncation: cuts } = this.#task;
    checkOptions(
      options,
      [...generationOptionNames, ...runOptionNames, 'truncation', 'clean_up_tokenization_spaces', 'streamer', ...own],
      name,
    );
    const { signal, onProgress, truncation = cuts, streamer, src_lang, tgt_lang, clean_up_tokenization_spaces } = options;
    const list = textsOf(name, texts, options);
    for (const [option, value] of Object.entries({ src_lang, tgt_lang }))
      if (value !== undefined && typeof value !== 'string') throw wrong(name, option, value, 'It must be the code of a language');
    expectBooleans(name, { truncation, clean_up_tokenization_spaces });
    const generation: GenerationConfig = Object.fromEntries(generationOptionNames.map((option) => [option, options[option]]));
    checkGenerationValues(generation);
    const read = (text: string) => this.#read(text, { src_lang, tgt_lang }, truncation);
    const whole = await eachOf(this.model.engine, list, read, signal);
    const jobs = whole.flatMap((text) => text.jobs);
    let done = 0;
    for (const batch of this.#batches(jobs, generation, streamer !== undefined)) {
      await this.#write(batch, { ...generation, streamer, signal }, clean_up_tokenization_spaces);
      done += batch.length;
      onProgress?.(done, jobs.length);
    }
    return whole.flatMap(({ paragraphs: { lead, sentences }, jobs }) =>
      // A text without sentences has a result too.
      Array.from({ length: jobs[0]?.results.length ?? 1 }, (_, i) => {
        const written = sentences.map(({ gap }, s) => ({ text: jobs[s]?.results[i] ?? '', gap }));
        return { [key]: joined({ lead, sentences: written }) };
      }),
    );
  }

  /** Parts of a text that go to the model. */
  *#read(text: string, languages: Languages, truncation: boolean): Generator<void, { paragraphs: Paragraphs; jobs: Job[] }> {
    const paragraphs = yield* this.#task.cut(text);
    const route = this.#routes.of(text, languages);
    const jobs: Job[] = [];
    for (const piece of paragraphs.sentences) {
      jobs.push({ ids: yield* this.#encode(piece.text, route, truncation), route, results: [] });
      yield;
    }
    return { paragraphs, jobs };
  }

  /** Tokens of a piece of text as the model gets them, with the prefix before it: for callers of `model` itself, for example to see its attentions. */
  encode(text: string, languages: Languages = {}): number[] {
    checkOptions(languages, this.#task.options, this.#task.name);
    return drained(this.#encode(text, this.#routes.of(text, languages), this.#task.truncation));
  }

  *#encode(text: string, { prefix, marked = (ids) => ids }: Route, truncation: boolean): Generator<void, number[]> {
    const most = Math.min(this.tokenizer.model_max_length ?? Number.POSITIVE_INFINITY, this.model.module.dims.positions);
    const cut = truncation && Number.isFinite(most) ? { truncation, max_length: most } : { truncation: false };
    const { ids } = yield* this.tokenizer.rowSteps(prefix + text, cut);
    if (truncation || ids.length <= most) return marked(ids);
    throw new HeedError('ARGUMENT', `${this.#task.name}: a text has ${ids.length} tokens, and the model takes ${most}`, {
      culprit: 'texts',
      cure: 'Give shorter ones, or truncation: true, which cuts them',
    });
  }

  /** Batches of texts that can be generated together: of one route, and of similar length. A streamer serves only one text. */
  #batches(jobs: readonly Job[], { num_beams }: GenerationConfig, alone: boolean): Job[][] {
    if (alone) return jobs.map((job) => [job]);
    return [...new Set(jobs.map(({ route }) => route))].flatMap((route) => {
      const beams = num_beams ?? route.wishes.num_beams ?? this.model.generation_config.num_beams ?? 1;
      return batchesOf(
        jobs.filter((job) => job.route === route),
        BATCH_TOKENS / beams,
      );
    });
  }

  async #write(
    batch: readonly Job[],
    options: GenerationConfig & { streamer?: Streamer | undefined; signal?: AbortSignal | undefined },
    clean_up_tokenization_spaces: boolean | undefined,
  ) {
    const { ids, dims, lengths } = padded(
      batch.map((job) => job.ids),
      this.tokenizer.pad_token_id ?? 0,
    );
    const mask = new Int32Array(ids.length);
    for (const [row, length] of lengths.entries()) mask.fill(1, row * dims[1], row * dims[1] + length);
    const inputs = { input_ids: { data: ids, dims }, attention_mask: { data: mask, dims } };
    const wishes = { ...this.model.generation_config, ...batch[0]?.route.wishes };
    const sequences = await this.model.generate({ ...inputs, ...options, tokenizer: this.tokenizer }, wishes);
    const texts = this.tokenizer.batch_decode(sequences.tolist() as number[][], {
      skip_special_tokens: true,
      clean_up_tokenization_spaces,
    });
    const each = texts.length / batch.length;
    for (const [row, job] of batch.entries()) job.results = texts.slice(row * each, (row + 1) * each);
  }
}
