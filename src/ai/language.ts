/** Answers to conversations for the AI SDK's generateText, streamText and agents. */
import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4FinishReason,
  LanguageModelV4GenerateResult,
  LanguageModelV4StreamPart,
  LanguageModelV4StreamResult,
  LanguageModelV4Usage,
  SharedV4Warning,
} from '@ai-sdk/provider';
import { type Answer, type Asked, Question } from '../chat/question.js';
import { generationOf, type Sampling } from '../chat/sampling.js';
import type { GenerationConfig } from '../generation/config.js';
import type { FunctionTool } from '../generation/grammar/tool.js';
import { HeedModel } from './model.js';
import { ownOptions } from './own_options.js';
import { conversationOf } from './prompt.js';

/** Options of a call under `providerOptions.heed`. */
export type HeedLanguageOptions = {
  /** Draws from tokens with at least this share of the best one's probability. */
  min_p?: number;
  /** Divides scores of tokens that were there before. */
  repetition_penalty?: number;
  /** Added to the scores of tokens, by their ids. */
  logit_bias?: Record<string, number>;
  /** `true` where a forced call of tools may be several. Default false. */
  parallel_tool_calls?: boolean;
  /** Variables of the model's chat template: enable_thinking. */
  chat_template_kwargs?: Record<string, unknown>;
};

const ownNames = ['min_p', 'repetition_penalty', 'logit_bias', 'parallel_tool_calls', 'chat_template_kwargs'] as const;

/** What a call asks, as heed has it. */
interface Prepared {
  readonly question: Question;
  readonly options: GenerationConfig;
  readonly warnings: SharedV4Warning[];
}

const choices = { auto: 'auto', none: 'none', required: 'required' } as const;

function formatOf(format: LanguageModelV4CallOptions['responseFormat']): Asked['response_format'] {
  if (format?.type !== 'json') return undefined;
  const { schema, name, description } = format;
  return schema ? { type: 'json_schema', json_schema: { schema, name, description } } : { type: 'json_object' };
}

const usageOf = (prompt: number, tokens: number): LanguageModelV4Usage => ({
  inputTokens: { total: prompt, noCache: undefined, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: tokens, text: undefined, reasoning: undefined },
});

const finishOf = ({ finish_reason: raw }: Answer): LanguageModelV4FinishReason => ({
  unified: raw === 'tool_calls' ? 'tool-calls' : raw,
  raw,
});

const callsOf = ({ calls }: Answer) =>
  calls.map(({ id, function: called }) => ({
    type: 'tool-call' as const,
    toolCallId: id,
    toolName: called.name,
    input: called.arguments,
  }));

const counter = { token() {} };

/** Variable of chat templates by which a model thinks before it answers, or does not. */
const THINKING = 'enable_thinking';

/** Language model. */
export class HeedLanguageModel extends HeedModel implements LanguageModelV4 {
  /** Addresses of files that the model reads itself: none. */
  readonly supportedUrls = {};

  /** Answers at once. Rejects with ARGUMENT, UNSUPPORTED for what the model or its template does not have, MEMORY, or the signal's reason. */
  async doGenerate(given: LanguageModelV4CallOptions): Promise<LanguageModelV4GenerateResult> {
    const { question, options, warnings } = await this.#prepared(given);
    const { abortSignal: signal = new AbortController().signal } = given;
    const timestamp = new Date();
    const answer = await question.answer(options, counter, signal);
    const said = answer.content ? [{ type: 'text' as const, text: answer.content }] : [];
    return {
      content: [...said, ...callsOf(answer)],
      finishReason: finishOf(answer),
      usage: usageOf(question.ids.length, answer.tokens),
      response: { timestamp, modelId: this.modelId },
      warnings,
    };
  }

  /** Answers as a stream, which is there once the prompt is found right. Leaving the stream ends the answer. Rejects as `doGenerate` does. */
  async doStream(given: LanguageModelV4CallOptions): Promise<LanguageModelV4StreamResult> {
    const { question, options, warnings } = await this.#prepared(given);
    const stop = new AbortController();
    const signal = given.abortSignal ? AbortSignal.any([given.abortSignal, stop.signal]) : stop.signal;
    let sink!: ReadableStreamDefaultController<LanguageModelV4StreamPart>;
    const stream = new ReadableStream<LanguageModelV4StreamPart>({
      start: (controller) => {
        sink = controller;
      },
      cancel: (reason) => stop.abort(reason),
    });
    sink.enqueue({ type: 'stream-start', warnings });
    sink.enqueue({ type: 'response-metadata', timestamp: new Date(), modelId: this.modelId });
    const id = '0';
    let isSaying = false;
    await new Promise<void>((onBegin, reject) => {
      // A stream that was left is closed, and takes nothing more.
      const onText = (delta: string) => {
        if (stop.signal.aborted) return;
        if (!isSaying) sink.enqueue({ type: 'text-start', id });
        isSaying = true;
        sink.enqueue({ type: 'text-delta', id, delta });
      };
      const end = (answer: Answer) => {
        if (stop.signal.aborted) return;
        if (isSaying) sink.enqueue({ type: 'text-end', id });
        for (const call of callsOf(answer)) {
          const { toolCallId: id, toolName, input } = call;
          sink.enqueue({ type: 'tool-input-start', id, toolName });
          sink.enqueue({ type: 'tool-input-delta', id, delta: input });
          sink.enqueue({ type: 'tool-input-end', id });
          sink.enqueue(call);
        }
        sink.enqueue({ type: 'finish', finishReason: finishOf(answer), usage: usageOf(question.ids.length, answer.tokens) });
        sink.close();
      };
      question
        .answer(options, counter, signal, { onBegin, onText })
        .then(end)
        .catch((error) => {
          reject(error);
          if (!stop.signal.aborted) sink.error(error);
        });
    });
    return { stream };
  }

  async #prepared(given: LanguageModelV4CallOptions): Promise<Prepared> {
    const { prompt, toolChoice, responseFormat, reasoning = 'provider-default', maxOutputTokens } = given;
    const own = ownOptions<HeedLanguageOptions>(given.providerOptions, ownNames);
    const pipe = await this.pipelineFor('text-generation');
    given.abortSignal?.throwIfAborted();
    const tools: FunctionTool[] = [];
    const warnings: SharedV4Warning[] = [];
    for (const tool of given.tools ?? [])
      if (tool.type === 'function') {
        const { name, description, inputSchema: parameters } = tool;
        tools.push({ type: 'function', function: { name, ...(description !== undefined && { description }), parameters } });
      }
    const unsupported = (feature: string, details: string) => warnings.push({ type: 'unsupported', feature, details });
    const isForced = toolChoice?.type === 'tool' || toolChoice?.type === 'required';
    for (const tool of given.tools ?? [])
      if (tool.type === 'provider') unsupported(`tool ${tool.id}`, 'Models of this process have no tools of a provider');
      else if (tool.strict && !isForced && !responseFormat)
        unsupported(`strict of the tool ${tool.name}`, 'Arguments surely fit their schema where toolChoice forces a call');
    const hasReasoning = reasoning !== 'provider-default';
    const thinks = hasReasoning && JSON.stringify(pipe.tokenizer.chat_template ?? '').includes(THINKING);
    if (hasReasoning && !thinks) unsupported('reasoning', `The model’s chat template has no ${THINKING}`);
    if (thinks && reasoning !== 'none')
      warnings.push({ type: 'compatibility', feature: 'reasoning', details: 'The model thinks, however much; it has no levels' });
    const question = new Question(pipe, {
      conversation: conversationOf(prompt),
      tools,
      tool_choice:
        toolChoice?.type === 'tool' ? { type: 'function', function: { name: toolChoice.toolName } } : choices[toolChoice?.type ?? 'auto'],
      parallel_tool_calls: own.parallel_tool_calls,
      response_format: formatOf(responseFormat),
      variables: { ...(thinks && { [THINKING]: reasoning !== 'none' }), ...own.chat_template_kwargs },
    });
    const wishes: Sampling = {
      temperature: given.temperature,
      top_p: given.topP,
      top_k: given.topK,
      min_p: own.min_p,
      repetition_penalty: own.repetition_penalty,
      presence_penalty: given.presencePenalty,
      frequency_penalty: given.frequencyPenalty,
      logit_bias: own.logit_bias,
      seed: given.seed,
      stop: given.stopSequences,
    };
    return { question, options: generationOf(wishes, maxOutputTokens, pipe, question.ids.length), warnings };
  }
}
