/** An answer to a conversation, whatever wire format asks for it: the prompt by the model's template, the form of the answer, tools, and the pieces of what is said. */
import { HeedError } from '../errors.js';
import type { GenerationConfig } from '../generation/config.js';
import type { ResponseFormat } from '../generation/grammar/format.js';
import type { NamedTool, Tool } from '../generation/grammar/tool.js';
import type { ToolCall } from '../generation/grammar/tool_calls.js';
import type { TokenLogprob } from '../generation/sequence.js';
import type { TextGeneration } from '../pipelines/text_generation.js';
import type { Conversation } from '../text/chat_options.js';
import { CallFilter, syntaxOf } from './call_filter.js';
import { type Counter, promptIds, type Wish, type Written, write } from './writing.js';

/** What is asked. */
export interface Asked {
  readonly conversation: Conversation;
  readonly tools?: readonly Tool[] | undefined;
  readonly tool_choice?: 'none' | 'auto' | 'required' | NamedTool | undefined;
  readonly parallel_tool_calls?: boolean | undefined;
  readonly response_format?: ResponseFormat | undefined;
  /** Variables of the template: `enable_thinking`. */
  readonly variables?: Readonly<Record<string, unknown>> | undefined;
  readonly logprobs?: number | undefined;
}

/** An answer. */
export interface Answer extends Omit<Written, 'finish_reason'> {
  /** What is said beside the calls; null where there are calls alone. */
  readonly content: string | null;
  readonly calls: readonly ToolCall[];
  readonly finish_reason: Written['finish_reason'] | 'tool_calls';
}

/** Names that are no variables of a template: options, and the conversation itself. */
const reserved = [
  'messages',
  'chat_template',
  'tokenize',
  'return_dict',
  'return_tensor',
  'padding',
  'truncation',
  'max_length',
  'tools',
  'add_generation_prompt',
  'continue_final_message',
];

/** Number of calls in a conversation, by which the next one's id is counted. */
const callsIn = (conversation: Conversation): number =>
  conversation.reduce((sum, { tool_calls: calls }) => sum + (Array.isArray(calls) ? calls.length : 0), 0);

/** A question that is ready to be answered: its prompt, and how. */
export class Question {
  readonly ids: readonly number[];
  readonly #wish: Omit<Wish, 'ids' | 'options'>;
  readonly #filter: (() => CallFilter) | undefined;

  /** Throws UNSUPPORTED for a model without a template, or without tools where there are some, ARGUMENT for a forced call without tools, SHAPE for a prompt that is too long, and what the template refuses. */
  constructor(
    readonly pipe: TextGeneration,
    asked: Asked,
  ) {
    const { tokenizer } = pipe;
    const { conversation, tool_choice = 'auto', parallel_tool_calls = false, variables = {}, response_format, logprobs } = asked;
    if (tokenizer.chat_template === undefined)
      throw new HeedError('UNSUPPORTED', 'The model has no chat template', {
        culprit: 'model',
        cure: 'It goes on from texts, which are completions',
      });
    if ((tool_choice === 'required' || typeof tool_choice === 'object') && !asked.tools?.length)
      throw new HeedError('ARGUMENT', 'tool_choice asks for a call, and there are no tools', { culprit: 'tool_choice' });
    const taken = reserved.find((name) => Object.hasOwn(variables, name));
    if (taken !== undefined)
      throw new HeedError('ARGUMENT', `${taken} is no variable of a chat template`, { culprit: taken, cure: 'Leave it out' });
    const tools = tool_choice !== 'none' && asked.tools?.length ? asked.tools : undefined;
    const syntax = tools && syntaxOf(tokenizer);
    const prompt = tokenizer.apply_chat_template(conversation, {
      ...variables,
      ...(tools && { tools }),
      add_generation_prompt: true,
      tokenize: false,
    });
    this.ids = promptIds(pipe, prompt, 'conversation', false);
    const forced = tools && tool_choice !== 'auto' && tool_choice !== 'none';
    const calls = tools && { type: 'tool_calls' as const, tools, syntax, parallel_tool_calls };
    const called = calls && (forced ? { ...calls, tool_choice } : response_format && { ...calls, otherwise: response_format });
    const format = called ?? response_format;
    this.#wish = { response_format: format, logprobs, keepsMarks: tools !== undefined };
    this.#filter = tools && syntax && (() => new CallFilter(syntax, tools, callsIn(conversation)));
  }

  /** Writes an answer. `onText` gets what is said, as it comes. */
  async answer(
    options: GenerationConfig,
    counter: Counter,
    signal: AbortSignal,
    { onBegin, onText }: { onBegin?(): void; onText?(piece: string, logprobs: readonly TokenLogprob[]): void } = {},
  ): Promise<Answer> {
    const filter = this.#filter?.();
    let content = '';
    let waiting: readonly TokenLogprob[] = [];
    const say = (piece: string, logprobs: readonly TokenLogprob[] = []) => {
      waiting = [...waiting, ...logprobs];
      const text = filter ? filter.push(piece) : piece;
      if (!text) return;
      content += text;
      onText?.(text, waiting);
      waiting = [];
    };
    const written = await write(this.pipe, { ids: this.ids, options, ...this.#wish }, counter, signal, {
      ...(onBegin && { onBegin }),
      onText: say,
    });
    const last = filter?.end();
    if (last?.text) {
      content += last.text;
      onText?.(last.text, waiting);
      waiting = [];
    }
    const calls = last?.calls ?? [];
    const finish_reason = calls.length ? 'tool_calls' : written.finish_reason;
    return {
      ...written,
      rest: [...waiting, ...written.rest],
      content: calls.length ? content.trim() || null : content,
      calls,
      finish_reason,
    };
  }
}
