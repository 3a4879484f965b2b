/** POST /v1/chat/completions: answers to conversations. */
import * as z from 'zod';
import { type Answer, Question } from '../../chat/question.js';
import { defined, generationOf } from '../../chat/sampling.js';
import { each } from '../../chat/writing.js';
import { eventStream, type Send } from '../events.js';
import { contentOf } from '../logprobs.js';
import { conversationOf, message, responseFormat, toolChoice, tools } from './messages.js';
import { modelRoute } from './route.js';
import { harmlessFields, modelField, writingFields } from './sampling.js';
import { usageOf } from './usage.js';

/** Variables of a template. */
const MOST_VARIABLES = 32;
const isSmall = (given: object) => Object.keys(given).length <= MOST_VARIABLES;

const body = z.strictObject({
  model: modelField,
  messages: z.array(message).min(1).max(10_000),
  max_tokens: z.int().min(1).nullish().describe('Tokens to write at most. Default: as many as the model has positions'),
  max_completion_tokens: z.int().min(1).nullish(),
  ...writingFields,
  tools: tools.nullish(),
  tool_choice: toolChoice.nullish(),
  parallel_tool_calls: z.boolean().nullish().describe('Whether a forced answer may be several calls. Default false'),
  response_format: responseFormat.nullish(),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.int().min(0).max(20).nullish(),
  modalities: z.array(z.literal('text')).nullish(),
  prediction: z.unknown().optional().describe('Accepted, and not needed'),
  chat_template_kwargs: z
    .record(z.string(), z.unknown())
    .refine(isSmall, `It has up to ${MOST_VARIABLES}`)
    .nullish()
    .describe('Variables of the model’s chat template: enable_thinking'),
  ...harmlessFields,
});

type Body = z.infer<typeof body>;

function questionOf(given: Body, pipe: ConstructorParameters<typeof Question>[0]): Question {
  const { tools, tool_choice, parallel_tool_calls, response_format, logprobs, top_logprobs, chat_template_kwargs } = defined(given);
  return new Question(pipe, {
    conversation: conversationOf(given.messages),
    tools: tools?.map(({ type, function: own }) => ({ type, function: defined(own) })),
    tool_choice,
    parallel_tool_calls,
    response_format: response_format?.type === 'text' ? undefined : (response_format as never),
    variables: chat_template_kwargs,
    logprobs: logprobs ? (top_logprobs ?? 0) : undefined,
  });
}

export const chat = modelRoute({
  method: 'post',
  path: '/v1/chat/completions',
  summary: 'Answers a conversation',
  produces: ['application/json', 'text/event-stream'],
  body,
  tasks: ['text-generation'],
  async answer(given, { pipe, entry }, { call }) {
    const { n: count = 1, stream_options, logprobs, top_logprobs = 0 } = defined(given);
    const question = questionOf(given, pipe);
    const prompt = question.ids.length;
    call.facts.prompt_tokens = prompt;
    const base = { id: call.id.replace('req', 'chatcmpl'), created: Math.floor(call.begin / 1000), model: entry.name };
    const told = (tokens: Answer['logprobs']) =>
      logprobs ? { content: contentOf(pipe.tokenizer, tokens, top_logprobs), refusal: null } : null;
    const most = given.max_completion_tokens ?? given.max_tokens;
    const optionsOf = (index: number) => generationOf(given, most, pipe, prompt, index);
    if (!given.stream) {
      await call.take(entry.places, count);
      const answers = await each(count, call.signal, (index, signal) => question.answer(optionsOf(index), call, signal));
      const choices = answers.map(({ content, calls, finish_reason, logprobs }, index) => ({
        index,
        message: { role: 'assistant', content, refusal: null, ...(calls.length && { tool_calls: calls }) },
        logprobs: told(logprobs),
        finish_reason,
      }));
      return Response.json({ ...base, object: 'chat.completion', choices, usage: usageOf(prompt, answers) });
    }
    return eventStream(call, async (send) => {
      await call.take(entry.places, count);
      const chunk = (index: number, delta: object, logprobs: Answer['logprobs'] = [], finish_reason: string | null = null) =>
        send({
          ...base,
          object: 'chat.completion.chunk',
          choices: [{ index, delta, logprobs: logprobs.length ? told(logprobs) : null, finish_reason }],
        });
      const answers = await each(count, call.signal, async (index, signal) => {
        const answer = await question.answer(optionsOf(index), call, signal, {
          onBegin: () => chunk(index, { role: 'assistant', content: '', refusal: null }),
          onText: (content, logprobs) => chunk(index, { content }, logprobs),
        });
        if (answer.calls.length) chunk(index, { tool_calls: answer.calls.map((one, index) => ({ index, ...one })) });
        chunk(index, {}, answer.rest, answer.finish_reason);
        return answer;
      });
      lastEvents(send, { ...base, object: 'chat.completion.chunk' }, stream_options?.include_usage ? usageOf(prompt, answers) : undefined);
    });
  },
});

/** The end of a stream: counts of tokens, where they are asked for, and its last event. */
export function lastEvents(send: Send, base: object, usage: object | undefined): void {
  if (usage) send({ ...base, choices: [], usage });
  send('[DONE]');
}
