/** Items of /v1/responses: what a request gives, as messages of a conversation, and what an answer has. */
import * as z from 'zod';
import type { message } from './messages.js';

const part = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('input_text'), text: z.string() }),
  z.strictObject({
    type: z.literal('output_text'),
    text: z.string(),
    annotations: z.array(z.unknown()).max(0).nullish(),
    logprobs: z.array(z.unknown()).nullish(),
  }),
]);
const content = z.union([z.string(), z.array(part).min(1)]);
const status = z.enum(['in_progress', 'completed', 'incomplete']).nullish();
const id = z.string().max(200).nullish();
const key = z.string().max(200);

/** An item of a request. */
export const item = z.union([
  z.strictObject({
    type: z.literal('message').nullish(),
    role: z.enum(['user', 'assistant', 'system', 'developer']),
    content,
    ...{ id, status, phase: z.string().nullish() },
  }),
  z.strictObject({ type: z.literal('function_call'), call_id: key, name: key, arguments: z.string(), id, status }),
  z.strictObject({ type: z.literal('function_call_output'), call_id: key, output: content, id, status }),
]);

type Item = z.infer<typeof item>;
type Message = z.infer<typeof message>;

const textOf = (given: z.infer<typeof content>): string => (typeof given === 'string' ? given : given.map(({ text }) => text).join(''));

/** Messages of a conversation; calls that follow each other are one message's. */
export function messagesOf(input: string | readonly Item[], instructions: string | undefined): Message[] {
  const messages: Message[] = instructions === undefined ? [] : [{ role: 'system', content: instructions }];
  if (typeof input === 'string') return [...messages, { role: 'user', content: input }];
  for (const one of input) {
    if (one.type === 'function_call') {
      const call = { id: one.call_id, type: 'function' as const, function: { name: one.name, arguments: one.arguments } };
      const last = messages.at(-1);
      if (last?.role === 'assistant') {
        last.tool_calls ??= [];
        last.tool_calls.push(call);
      } else messages.push({ role: 'assistant', content: null, tool_calls: [call] });
    } else if (one.type === 'function_call_output') messages.push({ role: 'tool', tool_call_id: one.call_id, content: textOf(one.output) });
    else messages.push({ role: one.role, content: textOf(one.content) });
  }
  return messages;
}
