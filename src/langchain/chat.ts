/** Answers to conversations for LangChain's chains, agents and graphs. */
import type { CallbackManagerForLLMRun } from '@langchain/core/callbacks/manager';
import type { BaseLanguageModelInput, StructuredOutputMethodOptions } from '@langchain/core/language_models/base';
import {
  BaseChatModel,
  type BaseChatModelCallOptions,
  type BaseChatModelParams,
  type BindToolsInput,
  type LangSmithParams,
} from '@langchain/core/language_models/chat_models';
import { assembleStructuredOutputPipeline, createContentParser } from '@langchain/core/language_models/structured_output';
import { AIMessage, AIMessageChunk, type BaseMessage, HumanMessage, type MessageContent } from '@langchain/core/messages';
import { ChatGenerationChunk, type ChatResult } from '@langchain/core/outputs';
import type { Runnable } from '@langchain/core/runnables';
import { convertToOpenAITool } from '@langchain/core/utils/function_calling';
import { toJsonSchema } from '@langchain/core/utils/json_schema';
import { expectPipeline, type Loadable, loaded } from '../chat/loadable.js';
import { type Answer, type Asked, Question } from '../chat/question.js';
import { generationOf, type Sampling } from '../chat/sampling.js';
import type { GenerationConfig } from '../generation/config.js';
import type { ResponseFormat } from '../generation/grammar/format.js';
import type { Tool } from '../generation/grammar/tool.js';
import { piecesOf } from '../generation/stream.js';
import type { TextGeneration } from '../pipelines/text_generation.js';
import { conversationOf } from './messages.js';

/** How a model writes. Without `temperature` a model's own wish counts, else 1; 0 takes the most probable token. */
export interface ChatHeedSettings {
  /** Tokens to write at most. Default: as many as the model has positions. */
  maxTokens?: number;
  /** 0 takes the most probable token. */
  temperature?: number;
  /** Draws from tokens that together have this probability. */
  topP?: number;
  /** Draws from so many tokens; 0: from all. */
  topK?: number;
  /** Draws from tokens with at least this share of the best one's probability. */
  minP?: number;
  /** Divides scores of tokens that were there before. */
  repetitionPenalty?: number;
  /** Subtracted from scores of tokens that the answer has. */
  presencePenalty?: number;
  /** Subtracted for each time that the answer has the token. */
  frequencyPenalty?: number;
  /** Equal seeds draw equal texts. */
  seed?: number;
  /** Texts that end an answer. */
  stop?: string[];
  /** Variables of the model's chat template: enable_thinking. */
  chat_template_kwargs?: Record<string, unknown>;
}

/** Settings of how a text is drawn, and the names that heed has for them. */
const wishes = {
  ...{ temperature: 'temperature', topP: 'top_p', topK: 'top_k', minP: 'min_p', seed: 'seed', stop: 'stop' },
  ...{ repetitionPenalty: 'repetition_penalty', presencePenalty: 'presence_penalty', frequencyPenalty: 'frequency_penalty' },
} as const satisfies { readonly [Name in keyof ChatHeedSettings]: keyof Sampling };
const settingNames = [...Object.keys(wishes), 'maxTokens', 'chat_template_kwargs'];

/** Names of pipelines that were given none. No other process has the same, whose answers may lie in the same cache. */
const names = new WeakMap<object, string>();
function nameOf(given: object): string {
  const name = names.get(given) ?? `heed-${Math.random().toString(36).slice(2)}`;
  names.set(given, name);
  return name;
}

/** What `ChatHeed` is made of. */
export interface ChatHeedFields extends BaseChatModelParams, ChatHeedSettings {
  /** Name of the model in traces, and in a `cache`, where equal names share answers. Default: one that no other pipeline has. */
  model?: string;
  /** A pipeline for text-generation, or a function that loads one at the first call. */
  pipeline: Loadable<'text-generation'>;
}

/** Options of a call. */
export interface ChatHeedCallOptions extends BaseChatModelCallOptions, Omit<ChatHeedSettings, 'stop'> {
  /** Functions that the model may call, in any form of LangChain's. `bindTools` sets them. */
  tools?: BindToolsInput[];
  /** Format that the answer keeps: `{ type: 'json_schema', json_schema: { schema } }` and others of heed/structured. */
  response_format?: ResponseFormat;
  /** `true` where a forced call of tools may be several. Default false. */
  parallel_tool_calls?: boolean;
}

const choices: Readonly<Record<string, 'auto' | 'none' | 'required'>> = {
  auto: 'auto',
  none: 'none',
  any: 'required',
  required: 'required',
};

/** A choice among tools, by its word, or the name of a tool. */
const choiceOf = (given: BaseChatModelCallOptions['tool_choice']): Asked['tool_choice'] =>
  typeof given === 'string'
    ? (choices[given] ?? { type: 'function', function: { name: given } })
    : (given as Asked['tool_choice'] & object);

/** What a message tells of an answer, beside its text. */
const factsOf = (question: Question, { finish_reason, tokens }: Answer) => ({
  response_metadata: { finish_reason, model_provider: 'heed' },
  usage_metadata: { input_tokens: question.ids.length, output_tokens: tokens, total_tokens: question.ids.length + tokens },
});

const counter = { token() {} };

/**
 * A chat model: `invoke`, `stream`, `batch`, `bindTools`, `withStructuredOutput`.
 * @example
 * ```js
 * const chat = new ChatHeed({ pipeline: () => pipeline('text-generation', 'HuggingFaceTB/SmolLM2-135M-Instruct'), maxTokens: 40 });
 * const { content } = await chat.invoke('Name a sea.');
 * for await (const chunk of await chat.stream('Name two seas.')) console.log(chunk.text);
 * ```
 */
export class ChatHeed extends BaseChatModel<ChatHeedCallOptions> {
  readonly #load: () => Promise<unknown>;
  readonly #settings: ChatHeedSettings;
  /** Name of the model. */
  readonly model: string;

  /** Throws ARGUMENT for what is no pipeline. */
  constructor({ pipeline, model, ...fields }: ChatHeedFields) {
    super(fields);
    this.#load = loaded(pipeline, 'pipeline');
    this.#settings = Object.fromEntries(Object.entries(fields).filter(([name]) => settingNames.includes(name)));
    this.model = model ?? nameOf(pipeline);
  }

  /** What a cache tells models apart by. */
  override _identifyingParams(): Record<string, unknown> {
    return { model: this.model, ...this.#settings };
  }

  /** What traces tell of a call. */
  override invocationParams(options?: this['ParsedCallOptions']): Record<string, unknown> {
    return { ...this._identifyingParams(), ...options, signal: undefined };
  }

  /** Name of the class of models. */
  _llmType(): string {
    return 'heed';
  }

  /** What traces tell of the model. */
  override getLsParams(options: this['ParsedCallOptions']): LangSmithParams {
    const { temperature, maxTokens } = { ...this.#settings, ...options };
    return {
      ...{ ls_provider: 'heed', ls_model_name: this.model, ls_model_type: 'chat' as const },
      ...(temperature !== undefined && { ls_temperature: temperature }),
      ...(maxTokens !== undefined && { ls_max_tokens: maxTokens }),
    };
  }

  /** Tokens of a text, by the model's own tokenizer; pictures have none. */
  override async getNumTokens(content: MessageContent): Promise<number> {
    const { tokenizer } = await this.#pipeline();
    return tokenizer.encode(new HumanMessage({ content: content as string }).text, { add_special_tokens: false }).length;
  }

  /** The model with functions that it may call; `tool_choice` of the options forces one. */
  override bindTools(
    tools: BindToolsInput[],
    options?: Partial<ChatHeedCallOptions>,
  ): Runnable<BaseLanguageModelInput, AIMessageChunk, ChatHeedCallOptions> {
    // In the form that says all of them, by which a cache tells them apart.
    return this.withConfig({ ...options, tools: tools.map((tool) => convertToOpenAITool(tool)) });
  }

  /** The model with answers that fit a schema, by Zod or as JSON Schema, and are read: written under its constraint, by whatever `method`. */
  override withStructuredOutput: BaseChatModel['withStructuredOutput'] = ((
    schema: Record<string, unknown>,
    { includeRaw = false, name = 'answer' }: StructuredOutputMethodOptions<boolean> = {},
  ) => {
    const response_format = { type: 'json_schema' as const, json_schema: { name, schema: toJsonSchema(schema) } };
    const written = this.withConfig({ response_format });
    return assembleStructuredOutputPipeline(written, createContentParser(schema), includeRaw, 'StructuredOutput');
  }) as never;

  /** Answers at once. Rejects with ARGUMENT, UNSUPPORTED for what the model or its template does not have, MEMORY, or the signal's reason. */
  async _generate(messages: BaseMessage[], options: this['ParsedCallOptions']): Promise<ChatResult> {
    const { question, generation } = await this.#prepared(messages, options);
    const answer = await question.answer(generation, counter, options.signal ?? new AbortController().signal);
    const text = answer.content ?? '';
    const tool_calls = answer.calls.map(({ id, function: called }) => ({
      ...{ id, name: called.name, args: JSON.parse(called.arguments) },
      type: 'tool_call' as const,
    }));
    const message = new AIMessage({ content: text, tool_calls, ...factsOf(question, answer) } as object);
    return { generations: [{ text, message, generationInfo: { finish_reason: answer.finish_reason } }] };
  }

  /** Answers in pieces, the last of which has the calls of tools. Leaving the loop ends the answer. Throws what `_generate` rejects with. */
  override async *_streamResponseChunks(
    messages: BaseMessage[],
    options: this['ParsedCallOptions'],
    runManager?: CallbackManagerForLLMRun,
  ): AsyncGenerator<ChatGenerationChunk> {
    const { question, generation } = await this.#prepared(messages, options);
    let answer: Answer | undefined;
    const pieces = piecesOf(async ({ onText, signal }) => {
      answer = await question.answer(generation, counter, signal, { onText });
    }, options.signal);
    for await (const text of pieces) {
      const chunk = new ChatGenerationChunk({ text, message: new AIMessageChunk({ content: text }) });
      yield chunk;
      await runManager?.handleLLMNewToken(text, undefined, undefined, undefined, undefined, { chunk });
    }
    const last = answer as Answer;
    const tool_call_chunks = last.calls.map(({ id, function: called }, index) => ({
      ...{ id, index, name: called.name, args: called.arguments },
      type: 'tool_call_chunk' as const,
    }));
    const message = new AIMessageChunk({ content: '', tool_call_chunks, ...factsOf(question, last) } as object);
    yield new ChatGenerationChunk({ text: '', message, generationInfo: { finish_reason: last.finish_reason } });
  }

  async #pipeline(): Promise<TextGeneration> {
    return expectPipeline(await this.#load(), 'pipeline', ['text-generation']);
  }

  async #prepared(
    messages: BaseMessage[],
    options: this['ParsedCallOptions'],
  ): Promise<{ question: Question; generation: GenerationConfig }> {
    const pipe = await this.#pipeline();
    options.signal?.throwIfAborted();
    const { maxTokens, chat_template_kwargs, ...own } = { ...this.#settings, ...options };
    const question = new Question(pipe, {
      conversation: conversationOf(messages),
      tools: options.tools?.map((tool) => convertToOpenAITool(tool) as Tool),
      tool_choice: choiceOf(options.tool_choice ?? 'auto'),
      parallel_tool_calls: options.parallel_tool_calls,
      response_format: options.response_format,
      variables: chat_template_kwargs,
    });
    const wished: Sampling = Object.fromEntries(Object.entries(wishes).map(([name, heeds]) => [heeds, own[name as keyof typeof wishes]]));
    return { question, generation: generationOf(wished, maxTokens, pipe, question.ids.length) };
  }
}
