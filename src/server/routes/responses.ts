/** POST /v1/responses: answers to conversations in the newer form of OpenAI's API, without memory of earlier ones: `input` is the whole conversation. */
import * as z from 'zod';
import { type Answer, Question } from '../../chat/question.js';
import { defined, generationOf } from '../../chat/sampling.js';
import { each } from '../../chat/writing.js';
import type { ToolCall } from '../../generation/grammar/tool_calls.js';
import type { Call } from '../call.js';
import { eventStream, type Send } from '../events.js';
import { item, messagesOf } from './items.js';
import { conversationOf, functionFields } from './messages.js';
import { modelRoute } from './route.js';
import { harmlessFields, modelField, samplingFields } from './sampling.js';

const format = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('text') }),
  z.strictObject({ type: z.literal('json_object') }),
  z.strictObject({
    type: z.literal('json_schema'),
    name: z.string().max(64),
    description: z.string().nullish(),
    schema: z.record(z.string(), z.unknown()),
    strict: z.boolean().nullish(),
  }),
]);

const body = z.strictObject({
  model: modelField,
  input: z.union([z.string(), z.array(item).min(1).max(10_000)]),
  instructions: z.string().nullish(),
  max_output_tokens: z.int().min(1).nullish(),
  ...samplingFields,
  tools: z
    .array(z.strictObject({ type: z.literal('function'), ...functionFields }))
    .max(128)
    .nullish(),
  tool_choice: z.union([z.enum(['none', 'auto', 'required']), z.strictObject({ type: z.literal('function'), name: z.string() })]).nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  text: z.strictObject({ format: format.nullish() }).nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.strictObject({ include_obfuscation: z.boolean().nullish() }).nullish(),
  truncation: z.literal('disabled').nullish(),
  background: z.literal(false).nullish(),
  include: z.array(z.string()).max(0).nullish(),
  previous_response_id: z.null().optional().describe('Nothing is stored: give the whole conversation as input'),
  ...harmlessFields,
});

type Body = z.infer<typeof body>;

function questionOf(given: Body, pipe: ConstructorParameters<typeof Question>[0]): Question {
  const { tools, tool_choice, parallel_tool_calls, instructions, text } = defined(given);
  const messages = messagesOf(given.input, instructions);
  const { type, ...json_schema } = text?.format ?? { type: 'text' };
  const asked = {
    conversation: conversationOf(messages),
    tools: tools?.map(({ type, ...own }) => ({ type, function: defined(own) })),
    tool_choice: typeof tool_choice === 'object' ? { type: tool_choice.type, function: { name: tool_choice.name } } : tool_choice,
    parallel_tool_calls,
    response_format: type === 'text' ? undefined : type === 'json_schema' ? { type, json_schema } : { type },
  };
  return new Question(pipe, asked as ConstructorParameters<typeof Question>[1]);
}

const textPart = (text: string) => ({ type: 'output_text', text, annotations: [], logprobs: [] });
const messageItem = (call: Call, status: string, text?: string) => ({
  ...{ id: call.id.replace('req', 'msg'), type: 'message', status, role: 'assistant' },
  content: text === undefined ? [] : [textPart(text)],
});
const callItem = (call: Call, { id, function: called }: ToolCall, status: string, given = called.arguments) => ({
  ...{ id: `${call.id.replace('req', 'fc')}_${id}`, type: 'function_call', status, call_id: id, name: called.name, arguments: given },
});

/** The response as a whole; without an answer it is in progress. */
function responseOf(given: Body, call: Call, model: string, prompt: number, answer?: Answer) {
  const isCut = answer?.finish_reason === 'length';
  const status = isCut ? 'incomplete' : answer ? 'completed' : 'in_progress';
  const said = answer?.content ? [messageItem(call, status, answer.content)] : [];
  const called = (answer?.calls ?? []).map((one) => callItem(call, one, 'completed'));
  return {
    ...{ id: call.id.replace('req', 'resp'), object: 'response', created_at: Math.floor(call.begin / 1000), status, model },
    ...{ background: false, error: null, incomplete_details: isCut ? { reason: 'max_output_tokens' } : null },
    ...{ instructions: given.instructions ?? null, max_output_tokens: given.max_output_tokens ?? null },
    output: [...said, ...called],
    ...{ parallel_tool_calls: given.parallel_tool_calls ?? false, previous_response_id: null, store: false },
    ...{ temperature: given.temperature ?? null, top_p: given.top_p ?? null, truncation: 'disabled' },
    ...{ text: given.text ?? { format: { type: 'text' } }, tool_choice: given.tool_choice ?? 'auto', tools: given.tools ?? [] },
    ...{ metadata: given.metadata ?? {}, user: given.user ?? null, reasoning: { effort: null, summary: null } },
    usage: answer
      ? {
          ...{ input_tokens: prompt, input_tokens_details: { cached_tokens: 0 } },
          ...{ output_tokens: answer.tokens, output_tokens_details: { reasoning_tokens: 0 }, total_tokens: prompt + answer.tokens },
        }
      : null,
  };
}

/** Sends the events of an answer in their order. */
class Events {
  #number = 0;
  #isSaying = false;
  #text = '';

  constructor(
    readonly send: Send,
    readonly call: Call,
  ) {}

  tell(type: string, more: object): void {
    this.send({ type, sequence_number: this.#number++, ...more }, type);
  }

  /** A piece of the message, which begins with the first. */
  say(delta: string): void {
    const at = this.#place();
    if (!this.#isSaying) {
      this.#isSaying = true;
      this.tell('response.output_item.added', { output_index: 0, item: messageItem(this.call, 'in_progress') });
      this.tell('response.content_part.added', { ...at, part: textPart('') });
    }
    this.#text += delta;
    this.tell('response.output_text.delta', { ...at, delta, logprobs: [] });
  }

  /** The end of the message, and the calls. */
  end({ content, calls, finish_reason }: Answer): void {
    if (this.#isSaying) {
      const [at, text] = [this.#place(), content ?? this.#text];
      this.tell('response.output_text.done', { ...at, text, logprobs: [] });
      this.tell('response.content_part.done', { ...at, part: textPart(text) });
      const status = finish_reason === 'length' ? 'incomplete' : 'completed';
      this.tell('response.output_item.done', { output_index: 0, item: messageItem(this.call, status, text) });
    }
    for (const [i, one] of calls.entries()) {
      const output_index = i + Number(this.#isSaying);
      const done = callItem(this.call, one, 'completed');
      const at = { item_id: done.id, output_index };
      this.tell('response.output_item.added', { output_index, item: callItem(this.call, one, 'in_progress', '') });
      this.tell('response.function_call_arguments.delta', { ...at, delta: done.arguments });
      this.tell('response.function_call_arguments.done', { ...at, name: done.name, arguments: done.arguments });
      this.tell('response.output_item.done', { output_index, item: done });
    }
  }

  #place() {
    return { item_id: this.call.id.replace('req', 'msg'), output_index: 0, content_index: 0 };
  }
}

export const responses = modelRoute({
  method: 'post',
  path: '/v1/responses',
  summary: 'Answers a conversation, in the newer form',
  names: { input_ids: 'input', conversation: 'input', max_new_tokens: 'max_output_tokens' },
  produces: ['application/json', 'text/event-stream'],
  body,
  tasks: ['text-generation'],
  async answer(given, { pipe, entry }, { call }) {
    const question = questionOf(given, pipe);
    const prompt = question.ids.length;
    call.facts.prompt_tokens = prompt;
    const told = (answer?: Answer) => responseOf(given, call, entry.name, prompt, answer);
    const options = generationOf(given, given.max_output_tokens, pipe, prompt);
    if (!given.stream) {
      await call.take(entry.places);
      return Response.json(told(await question.answer(options, call, call.signal)));
    }
    return eventStream(call, async (send) => {
      await call.take(entry.places);
      const events = new Events(send, call);
      const [answer] = await each(1, call.signal, (_, signal) =>
        question.answer(options, call, signal, {
          onBegin() {
            events.tell('response.created', { response: told() });
            events.tell('response.in_progress', { response: told() });
          },
          onText: (piece) => events.say(piece),
        }),
      );
      events.end(answer as Answer);
      const isCut = answer?.finish_reason === 'length';
      events.tell(isCut ? 'response.incomplete' : 'response.completed', { response: told(answer) });
    });
  },
});
