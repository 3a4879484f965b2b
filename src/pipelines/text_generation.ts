/**
 * pipeline('text-generation'): a language model continues texts, or answers conversations, in transformers.js's shapes. The model's loop generates texts in one batch,
 * and each text is the same as if generated alone.
 */
import type { Engine } from '../engine/engine.js';
import { checkOptions, expectOptions, HeedError, kindOf } from '../errors.js';
import { type AssistantOptions, assistantNames } from '../generation/assistant.js';
import { type CausalLM, CausalModel } from '../generation/causal.js';
import { checkGenerationValues, type GenerationConfig, generationOptionNames } from '../generation/config.js';
import type { OwnOptions } from '../generation/own.js';
import { chunksIn, type Perplexity, perplexityOf, scoreChunk } from '../generation/perplexity.js';
import { DEFAULT_NEW_TOKENS } from '../generation/plan.js';
import { constraintOf } from '../generation/response_format.js';
import type { Streamer, TokenLogprob } from '../generation/sequence.js';
import { piecesOf, type TextStream } from '../generation/stream.js';
import { TextStreamer } from '../generation/streamer.js';
import type { Folder } from '../io/folder.js';
import { callable } from '../models/callable.js';
import { type AdaptedOptions, adaptedOptionNames, type PretrainedOptions } from '../models/options.js';
import { expectBooleans } from '../ops/check.js';
import { type ChatOptions, type Conversation, extended } from '../text/chat_options.js';
import type { CallableTokenizer, EncodeOptions } from '../text/tokenizer.js';
import { fitted } from './context_shift.js';
import { checkRunOptions, type RunOptions, runOptionNames } from './rows.js';
import type { Task } from './tasks.js';
import { loadText, stringsOf, TextPipeline, wrong } from './text.js';

/** Number of rows that are generated at once: weights are read once for all of them, and their keys fit into memory beside the weights. */
const MOST_ROWS = 32;

/** Default bytes of the prefix cache: some 5000 tokens of SmolLM2-135M. */
const PREFIXES = 256 * 2 ** 20;

/** Options of a call of text-generation: those of `generate`, of reading texts, and of the result. */
export interface TextGenerationOptions extends GenerationConfig, Omit<OwnOptions, 'tokenizer'>, AssistantOptions, RunOptions {
  /** `true`: results contain the prompt. Default true; a conversation always has all of its messages. */
  return_full_text?: boolean | undefined;
  /** Further options of the tokenizer: for texts those of encoding, for conversations variables of their template (`tools`, `enable_thinking`). */
  tokenizer_encode_kwargs?: EncodeOptions | ChatOptions | undefined;
  /**
   * `true`: drops the oldest part where a text and its new tokens would exceed the model's context: of a conversation the oldest messages, up to one of the user, but not the
   * system's; of a text its tokens behind the first four. Default false: throws.
   */
  context_shift?: boolean | undefined;
  /**
   * Limit in bytes of cached texts, from now on: a text with the same beginning, such as the next turn of a conversation, reads only its new tokens. Default 256 MiB, a quarter
   * of the engine's memory at most; 0 drops all.
   */
  prefix_cache?: number | undefined;
  /** Receives tokens as they are generated, one text after the other. */
  streamer?: Streamer | undefined;
  /** Receives the generated text in pieces, one text after the other. */
  onText?: ((text: string) => void) | undefined;
  /** Tells how probable each new token was, and of so many alternatives; without beams. */
  logprobs?: number | undefined;
}

/** Options of `perplexity`. */
export interface PerplexityOptions {
  /** Tokens of a chunk. Default 512, or the model's positions where those are fewer. */
  context?: number | undefined;
  /** Called after each chunk with the number of finished chunks, of all chunks, and the perplexity so far. */
  onProgress?: ((done: number, total: number, perplexity: number) => void) | undefined;
  /** Aborts the work between two steps; the call rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** A result: the text, or the conversation with the answer, a message of the role 'assistant'. */
export interface Generated<Input extends string | Conversation = string | Conversation> {
  /** The text, with its prompt in front unless `return_full_text` is false; or the messages, the answer last. */
  generated_text: Input extends string ? string : Conversation;
  /** Log-probabilities of the new tokens, with the option `logprobs`. */
  logprobs?: TokenLogprob[];
}

/** Pipeline that continues texts. With num_return_sequences, each text has several results. */
export type TextGeneration = TextGenerationPipeline & {
  /** [{ generated_text }] for a text or a conversation. */
  <Input extends string | Conversation>(text: Input, options?: TextGenerationOptions): Promise<Generated<Input>[]>;
  /** A list of such results for a list of texts, or of conversations. */
  <Input extends string | Conversation>(texts: readonly Input[], options?: TextGenerationOptions): Promise<Generated<Input>[][]>;
};

const TASK = 'text-generation';
/** Options that `generate` gets as they are. */
const handedOn = ['response_format', 'logits_processor', 'stopping_criteria', 'logprobs', 'streamer', ...assistantNames] as const;
const ownNames = ['return_full_text', 'tokenizer_encode_kwargs', 'context_shift', 'prefix_cache', 'onText', ...handedOn];
/** Options that are the same for each text of a call. */
type Wishes = GenerationConfig & Pick<TextGenerationOptions, (typeof handedOn)[number]>;

/**
 * Continues texts, or answers conversations, by a language model.
 * @example
 * ```js
 * const write = await pipeline('text-generation', 'HuggingFaceTB/SmolLM2-135M-Instruct');
 * const [{ generated_text }] = await write([{ role: 'user', content: 'Name a sea.' }], { max_new_tokens: 20 });
 * generated_text.at(-1)?.content; // the answer
 * ```
 */
export class TextGenerationPipeline extends TextPipeline<CausalLM> {
  /** Loads a model's folder. `pipeline` does it. */
  static async load(engine: Engine, from: string | Folder, options: PretrainedOptions & AdaptedOptions = {}): Promise<TextGeneration> {
    const made = (tokenizer: CallableTokenizer, model: CausalLM) => {
      model.prefix_cache.limit = Math.min(PREFIXES, engine.heap.maximum / 4);
      return callable(new TextGenerationPipeline(tokenizer, model), ['stream', 'perplexity']) as unknown as TextGeneration;
    };
    return loadText(CausalModel, engine, from, options, made, adaptedOptionNames);
  }

  /** Results for each text. Rejects with ARGUMENT, UNSUPPORTED, MEMORY, NUMERIC, or `signal.reason`. */
  async call(
    texts: string | Conversation | readonly (string | Conversation)[],
    options: TextGenerationOptions = {},
  ): Promise<Generated[] | Generated[][]> {
    checkOptions(options, [...generationOptionNames, ...runOptionNames, ...ownNames], TASK);
    checkRunOptions(TASK, options);
    const {
      signal,
      onProgress,
      onText,
      response_format: format,
      return_full_text: full = true,
      tokenizer_encode_kwargs: told = {},
      context_shift: shifts = false,
    } = options;
    expectBooleans(TASK, { return_full_text: full, context_shift: shifts });
    if (onText !== undefined && options.streamer !== undefined)
      throw new HeedError('ARGUMENT', `${TASK}: onText and streamer both hear of the text`, {
        culprit: 'onText',
        cure: 'Give one of them',
      });
    const streamer =
      onText === undefined ? options.streamer : new TextStreamer(this.tokenizer, { skip_prompt: true, callback_function: onText });
    expectOptions(told, TASK);
    const generation: GenerationConfig = Object.fromEntries(generationOptionNames.map((option) => [option, options[option]]));
    checkGenerationValues(generation);
    const eos = generation.eos_token_id ?? this.model.generation_config.eos_token_id ?? [];
    const wishes: Wishes = {
      ...generation,
      ...Object.fromEntries(handedOn.map((option) => [option, options[option]])),
      streamer,
      // The constraint is made once for all texts.
      response_format: format && constraintOf(format, this.tokenizer, [eos].flat()),
    };
    const isOne = !Array.isArray(texts) || isMessage(texts[0]);
    const list = (isOne ? [texts] : texts) as readonly (string | Conversation)[];
    for (const text of list) expectText(text);
    if (options.prefix_cache !== undefined) this.model.prefix_cache.limit = options.prefix_cache;
    const results: Generated[][] = [];
    // An error in one text ends the others.
    const stop = new AbortController();
    const abort = () => stop.abort(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    const { num_beams = 1, num_return_sequences = 1 } = { ...this.model.generation_config, ...generation };
    const lanes = streamer ? 1 : Math.max(1, Math.floor(MOST_ROWS / Math.max(num_beams, num_return_sequences)));
    const rest = list.entries();
    let done = 0;
    // Each lane takes the next text when it has finished one: all lanes share the iterator.
    const lane = async () => {
      for (const [i, text] of rest) {
        results[i] = await this.#write(text, { ...wishes, signal: stop.signal }, full, told, shifts);
        onProgress?.(++done, list.length);
      }
    };
    try {
      await Promise.all(Array.from({ length: Math.min(lanes, list.length) }, lane));
    } catch (error) {
      stop.abort(error);
      throw error;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
    return isOne ? (results[0] as Generated[]) : results;
  }

  /**
   * Streams the continuation of one text, or the answer to one conversation, in pieces that add up to the new text alone. Leaving the loop ends it. Throws the errors that a call rejects with.
   * @example
   * ```js
   * const poet = await pipeline('text-generation', 'HuggingFaceTB/SmolLM2-135M');
   * const pieces = poet.stream('The sea is', { max_new_tokens: 50 });
   * for await (const piece of pieces) console.log(piece);
   * ```
   */
  stream(text: string | Conversation, options: Omit<TextGenerationOptions, 'streamer' | 'onText'> = {}): TextStream {
    return piecesOf(async (reader) => {
      if (Array.isArray(text) && !isMessage(text[0]))
        throw new HeedError('ARGUMENT', `${TASK}: a stream is of one text`, {
          culprit: 'texts',
          cure: 'Give one text, or one conversation',
        });
      return this.call(text, { ...options, ...reader });
    }, options.signal);
  }

  /** Number of tokens that a text may have beside its new tokens. */
  #room({ max_length, max_new_tokens = this.model.generation_config.max_new_tokens }: GenerationConfig): number {
    const { positions } = this.model.module.dims;
    return max_length === undefined ? positions - (max_new_tokens ?? DEFAULT_NEW_TOKENS) : Math.min(max_length, positions) - 1;
  }

  /**
   * Perplexity of the model on a text, as llama.cpp's perplexity tool counts it: see docs/generation.md. Rejects with ARGUMENT for a text of less than two chunks,
   * MEMORY, NUMERIC, or `signal.reason`.
   * @example
   * ```js
   * const write = await pipeline('text-generation', 'HuggingFaceTB/SmolLM2-135M');
   * const { perplexity, standard_error } = await write.perplexity('It was the best of times, it was the worst of times …');
   * ```
   */
  async perplexity(text: string, options: PerplexityOptions = {}): Promise<Perplexity> {
    checkOptions(options, ['context', ...runOptionNames], 'perplexity');
    checkRunOptions('perplexity', options as RunOptions);
    const [given] = stringsOf('perplexity', 'text', [text]) as [string];
    const { tokenizer, model } = this;
    const { module } = model;
    const { context = Math.min(512, module.dims.positions), onProgress, signal } = options;
    const ids = tokenizer.encode(given, { add_special_tokens: false });
    const chunks = chunksIn(ids.length, context, module.dims.positions);
    // The tokenizer shows whether the model's texts begin with a special token.
    const [first] = tokenizer.encode('');
    const bos = first === tokenizer.bos_token_id ? first : undefined;
    const sums = { loss: 0, squares: 0, tokens: 0, chunks: 0 };
    for (let i = 0; i < chunks; i++) {
      const chunk = Int32Array.from(ids.slice(i * context, (i + 1) * context));
      await model.run(() => scoreChunk(module, chunk, bos, sums), signal);
      onProgress?.(i + 1, chunks, perplexityOf(sums, context).perplexity);
    }
    return perplexityOf(sums, context);
  }

  async #write(
    text: string | Conversation,
    options: Wishes & { signal: AbortSignal },
    full: boolean,
    told: EncodeOptions | ChatOptions,
    shifts: boolean,
  ): Promise<Generated[]> {
    const { tokenizer } = this;
    await this.model.engine.turn(options.signal);
    const isText = typeof text === 'string';
    const { continue_final_message: continues = false } = told as ChatOptions;
    const encode = (text: string | Conversation): number[] => {
      if (typeof text === 'string') return [...tokenizer.encode(text, told as EncodeOptions)];
      const asked = { add_generation_prompt: !continues, ...(told as ChatOptions), return_dict: false } as const;
      return Array.from(tokenizer.apply_chat_template(text, asked).data, Number);
    };
    const ids = shifts ? fitted(text, encode, this.#room(options)) : encode(text);
    if (!ids.length)
      throw new HeedError('ARGUMENT', `${TASK}: a text has no tokens, and this tokenizer puts none before it`, {
        culprit: 'texts',
        cure: 'Give a text to go on from',
      });
    const { sequences, logprobs } = await this.model.generate({ input_ids: [ids], ...options, tokenizer, return_dict_in_generate: true });
    const decoded = (tokens: readonly number[]) => tokenizer.decode(tokens, { skip_special_tokens: true });
    // The first new word begins as it does behind the others.
    const begin = decoded(ids).length;
    return (sequences.tolist() as number[][]).map((tokens, i) => {
      const written = decoded(tokens).slice(begin);
      const beside = logprobs && { logprobs: logprobs[i] as TokenLogprob[] };
      if (isText) return { generated_text: full ? text + written : written, ...beside };
      const said = continues ? extended(text, written) : [...text, { role: 'assistant', content: written }];
      return { generated_text: said, ...beside };
    });
  }
}

const isMessage = (value: unknown): boolean => typeof (value as { role?: unknown } | null | undefined)?.role === 'string';

function expectText(text: unknown): void {
  if (typeof text === 'string') return;
  if (!Array.isArray(text)) throw wrong(TASK, 'texts', text, 'Give texts, or conversations: lists of { role, content }');
  const strange = text.findIndex((message) => !isMessage(message));
  if (strange >= 0 || !text.length)
    throw new HeedError('ARGUMENT', `${TASK}: a message of a conversation is ${kindOf(text[strange])}`, {
      culprit: 'texts',
      cure: "Give { role: 'user', content: '…' }",
    });
}

/** Task for `registerTask`. */
export const textGeneration: Task<'text-generation'> = {
  name: TASK,
  model: 'HuggingFaceTB/SmolLM2-135M-Instruct',
  optionNames: adaptedOptionNames,
  load: ((...given) => TextGenerationPipeline.load(...given)) as typeof TextGenerationPipeline.load,
};
