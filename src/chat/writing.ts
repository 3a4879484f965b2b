/** A text that a language model writes for somebody who listens: its pieces as they come, its tokens, and why it ended. */
import { HeedError } from '../errors.js';
import type { GenerationConfig } from '../generation/config.js';
import type { ResponseFormat } from '../generation/grammar/format.js';
import { vocabularyOf } from '../generation/grammar/vocabulary.js';
import type { Streamer, TokenLogprob } from '../generation/sequence.js';
import { TextStreamer } from '../generation/streamer.js';
import type { TextGeneration } from '../pipelines/text_generation.js';

/** What is to be written. */
export interface Wish {
  readonly ids: readonly number[];
  readonly options: GenerationConfig;
  readonly response_format?: ResponseFormat | undefined;
  /** Number of alternatives whose log-probabilities are told for each token. */
  readonly logprobs?: number | undefined;
  /** `true` where special tokens are part of the text: the marks of tool calls. */
  readonly keepsMarks?: boolean;
}

/** What counts the tokens of a text as they are written. */
export interface Counter {
  token(): void;
}

/** Listener to a text. */
export interface Listener {
  /** Called before the first token, once nothing is wrong with the wish. */
  onBegin?(): void;
  /** A piece of the text, and the log-probabilities of the tokens since the last one. */
  onText?(piece: string, logprobs: readonly TokenLogprob[]): void;
}

/** A text that was written. */
export interface Written {
  readonly text: string;
  readonly tokens: number;
  readonly finish_reason: 'stop' | 'length';
  readonly logprobs: readonly TokenLogprob[];
  /** Log-probabilities of tokens behind the last piece. */
  readonly rest: readonly TokenLogprob[];
}

/** Writes a text. Rejects with what heed finds wrong with the wish, or the signal's reason. */
export async function write(pipe: TextGeneration, wish: Wish, counter: Counter, signal: AbortSignal, listener: Listener): Promise<Written> {
  const { model, tokenizer } = pipe;
  const { ids, options, response_format, logprobs: alternatives, keepsMarks = false } = wish;
  const ends = [options.eos_token_id ?? model.generation_config.eos_token_id ?? []].flat();
  const tokens: number[] = [];
  const logprobs: TokenLogprob[] = [];
  let [text, told] = ['', 0];
  const words = new TextStreamer(tokenizer, {
    skip_prompt: true,
    skip_special_tokens: !keepsMarks,
    callback_function(piece) {
      text += piece;
      listener.onText?.(piece, logprobs.slice(told));
      told = logprobs.length;
    },
  });
  let isPrompt = true;
  const streamer: Streamer = {
    put(rows, likely) {
      if (isPrompt) {
        isPrompt = false;
        words.put(rows);
        listener.onBegin?.();
        return;
      }
      counter.token();
      const token = rows[0]?.[0] as number;
      tokens.push(token);
      // The token that ends a text is no part of it.
      if (ends.includes(token)) return;
      if (likely) logprobs.push(...likely);
      words.put(rows);
    },
    end: () => words.end(),
    stopsAt: (strings) => words.stopsAt(strings),
  };
  const asked = { input_ids: [[...ids]], ...options, response_format, tokenizer, streamer, signal, logprobs: alternatives };
  await model.generate({ ...asked, return_dict_in_generate: true });
  const isWhole = tokens.length < (options.max_new_tokens as number) || ends.includes(tokens.at(-1) as number);
  const stops = [options.stop_strings ?? []].flat();
  const isStopped = isWhole || (stops.length > 0 && stops.some((stop) => tokenizer.decode(tokens).includes(stop)));
  return { text, tokens: tokens.length, finish_reason: isStopped ? 'stop' : 'length', logprobs, rest: logprobs.slice(told) };
}

/** Does something several times, `together` at once. Where one fails, the others end. */
export async function each<T>(
  count: number,
  signal: AbortSignal,
  one: (index: number, signal: AbortSignal) => Promise<T>,
  together = count,
): Promise<T[]> {
  const stop = new AbortController();
  const done: T[] = [];
  let next = 0;
  const lane = async () => {
    // A signal of its own: runtimes warn of more than ten listeners to one.
    const own = AbortSignal.any([signal, stop.signal]);
    for (let index = next++; index < count; index = next++) done[index] = await one(index, own);
  };
  try {
    await Promise.all(Array.from({ length: Math.min(count, together) }, lane));
    return done;
  } catch (error) {
    stop.abort(error);
    throw error;
  }
}

/**
 * Tokens of a prompt. Throws SHAPE, of `culprit`, for more than the model has positions. A text of so many characters that it has more tokens, whatever they are, is not read at all:
 * reading many megabytes takes seconds, in which nobody else is answered.
 */
export function promptIds(
  { tokenizer, model }: TextGeneration,
  text: string,
  culprit: string,
  add_special_tokens: boolean,
): readonly number[] {
  const { positions } = model.module.dims;
  const refused = (what: string, size: number) =>
    new HeedError('SHAPE', `A text of ${what} has more tokens than this model takes, which is ${positions}`, {
      culprit,
      shape: [size],
      cure: 'Give less of it',
    });
  if (text.length > positions) {
    const longest = vocabularyOf(tokenizer).tokens.reduce((most, token = '') => Math.max(most, token.length), 1);
    if (text.length > positions * longest) throw refused(`${text.length} characters`, text.length);
  }
  // One token more than there is room for tells that there are too many.
  const cut = Number.isFinite(positions) ? { truncation: true, max_length: positions + 1 } : {};
  const ids = tokenizer.encode(text, { ...cut, add_special_tokens });
  if (ids.length > positions) throw refused(`${text.length} characters`, text.length);
  return ids;
}
