/** Messages and tools of requests, and the conversation that a chat template gets. */
import * as z from 'zod';
import type { Conversation, Message } from '../../text/chat_options.js';

const part = z.strictObject({ type: z.literal('text'), text: z.string() });
const content = z.union([z.string(), z.array(part).min(1)]);
const name = z.string().max(64).nullish();

const call = z.strictObject({
  id: z.string().max(200),
  type: z.literal('function'),
  function: z.strictObject({ name: z.string(), arguments: z.string() }),
});

/** Members of an answer that clients send back, and that say nothing. */
const empty = {
  refusal: z.null().optional(),
  annotations: z.array(z.unknown()).max(0).nullish(),
  audio: z.null().optional(),
  function_call: z.null().optional(),
};

export const message = z.discriminatedUnion('role', [
  z.strictObject({ role: z.literal('system'), content, name }),
  z.strictObject({ role: z.literal('developer'), content, name }),
  z.strictObject({ role: z.literal('user'), content, name }),
  z.strictObject({
    role: z.literal('assistant'),
    content: content.nullish(),
    name,
    tool_calls: z.array(call).max(256).nullish(),
    ...empty,
  }),
  z.strictObject({ role: z.literal('tool'), content, tool_call_id: z.string().max(200), name }),
]);

/** Functions that may be called. */
export const functionFields = {
  name: z.string().regex(/^[\w.-]{1,64}$/),
  description: z.string().nullish(),
  parameters: z.record(z.string(), z.unknown()).nullish().describe('JSON Schema of the arguments'),
  strict: z.boolean().nullish(),
};
export const tools = z.array(z.strictObject({ type: z.literal('function'), function: z.strictObject(functionFields) })).max(128);
export const toolChoice = z.union([
  z.enum(['none', 'auto', 'required']),
  z.strictObject({ type: z.literal('function'), function: z.strictObject({ name: z.string() }) }),
]);

/** Form of an answer. */
export const responseFormat = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('text') }),
  z.strictObject({ type: z.literal('json_object') }),
  z.strictObject({
    type: z.literal('json_schema'),
    json_schema: z.strictObject({
      name: z.string().max(64),
      description: z.string().nullish(),
      schema: z.record(z.string(), z.unknown()),
      strict: z.boolean().nullish(),
    }),
  }),
]);

type Given = z.infer<typeof message>;
type GivenContent = z.infer<typeof content> | null | undefined;

const textOf = (given: GivenContent): string | null =>
  given == null ? null : typeof given === 'string' ? given : given.map(({ text }) => text).join('');

/** Arguments as the object that templates write in their own way. */
function argumentsOf(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return json;
  }
}

/** The conversation of a template: texts for lists of parts, objects for arguments in JSON, and `system` for `developer`. */
export const conversationOf = (messages: readonly Given[]): Conversation =>
  messages.map((given): Message => {
    const { role, content } = given;
    const own =
      role === 'assistant' && given.tool_calls?.length
        ? {
            tool_calls: given.tool_calls.map(({ function: called, ...rest }) => ({
              ...rest,
              function: { ...called, arguments: argumentsOf(called.arguments) },
            })),
          }
        : {};
    return {
      role: role === 'developer' ? 'system' : role,
      content: textOf(content) ?? (role === 'assistant' ? '' : null),
      ...(given.name != null && { name: given.name }),
      ...(role === 'tool' && { tool_call_id: given.tool_call_id }),
      ...own,
    };
  });
