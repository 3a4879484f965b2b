/** Conversations of `heed chat`: messages, streamed answers, and the meaning of a line of input. */
import { HeedError, kindOf } from '../errors.js';
import type { TextGeneration, TextGenerationOptions } from '../pipelines/text_generation.js';
import type { Message } from '../text/chat_options.js';
import { hearing } from './hearing.js';

/** An answer of the model. */
export interface Answer extends Message {
  role: 'assistant';
  content: string;
  prompt_tokens: number;
  new_tokens: number;
  /** `true` where the user stopped the answer. */
  stopped?: true;
}

export class Conversation {
  readonly #write: TextGeneration;
  readonly #beginning: readonly Message[];
  readonly #options: TextGenerationOptions;
  messages: Message[];

  constructor(write: TextGeneration, system: string | undefined, options: TextGenerationOptions) {
    this.#write = write;
    this.#beginning = system === undefined ? [] : [{ role: 'system', content: system }];
    this.#options = options;
    this.messages = [...this.#beginning];
  }

  /** Forgets all but what the model is told before. */
  reset(): void {
    this.messages = [...this.#beginning];
  }

  /** Has the model answer; `say` gets the words as they come. An answer that the signal ends keeps its text so far; after any other error the last message is removed, too. */
  async answer(say: (piece: string) => void, signal: AbortSignal): Promise<Answer> {
    const { streamer, told } = hearing(this.#write.tokenizer, say);
    let stopped = false;
    try {
      await this.#write(this.messages, { ...this.#options, streamer, signal });
    } catch (error) {
      stopped = signal.aborted && error === signal.reason;
      if (!stopped) this.messages.pop();
      if (!stopped) throw error;
      streamer.end();
    }
    const { text: content, ...counts } = told();
    this.messages.push({ role: 'assistant', content });
    return { role: 'assistant', content, ...counts, ...(stopped && { stopped }) };
  }
}

/** Meaning of a line. */
export type Entry = { messages: readonly Message[] } | { command: string; argument: string };

/** `/save a file` is a command, any other line a message of the user. */
export function entryOf(line: string): Entry | undefined {
  const [, command, argument = ''] = /^\/(\S+)\s*(.*?)\s*$/.exec(line) ?? [];
  if (command !== undefined) return { command, argument };
  return line.trim() ? { messages: [{ role: 'user', content: line }] } : undefined;
}

/** A message in JSON, or a list of them. Throws FORMAT. */
export function messagesIn(json: string, where: string): Message[] {
  const wrong = (what: string, cause?: unknown) =>
    new HeedError('FORMAT', `${where}: ${what}`, {
      culprit: where,
      cure: 'Give {"role": "user", "content": "…"}, a line each, or a list of such',
      cause,
    });
  let read: unknown;
  try {
    read = JSON.parse(json);
  } catch (cause) {
    throw wrong(`no JSON: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
  }
  const list: unknown[] = Array.isArray(read) ? read : [read];
  const strange = list.findIndex((one) => typeof (one as { role?: unknown } | null)?.role !== 'string');
  if (strange >= 0) throw wrong(`a message is ${kindOf(list[strange])}${typeof list[strange] === 'object' ? ' without a role' : ''}`);
  return list as Message[];
}
