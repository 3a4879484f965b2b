/** Messages of LangChain as the conversations that chat templates read. */
import type { AIMessage, BaseMessage, ToolMessage } from '@langchain/core/messages';
import { HeedError } from '../errors.js';
import type { Conversation, Message } from '../text/chat_options.js';

/** Types of content whose text templates leave out, or get otherwise. */
const silent = ['reasoning', 'tool_call', 'tool_use', 'tool_call_chunk'];

/** Text of a message. Throws UNSUPPORTED for pictures and the like. */
function textOf({ content }: BaseMessage): string {
  if (typeof content === 'string') return content;
  let text = '';
  for (const block of content as readonly { type?: string; text?: unknown }[])
    if (block.type === 'text') text += block.text;
    else if (!silent.includes(block.type ?? ''))
      throw new HeedError('UNSUPPORTED', `A message has content of the type ${block.type}, which the language model does not read`, {
        culprit: 'messages',
        cure: 'Give text',
      });
  return text;
}

function assistant(message: BaseMessage): Message {
  const calls = (message as AIMessage).tool_calls ?? [];
  const tool_calls = calls.map(({ id, name, args }) => ({ id, type: 'function', function: { name, arguments: args } }));
  return { role: 'assistant', content: textOf(message), ...(calls.length && { tool_calls }) };
}

function tool(message: BaseMessage): Message {
  const { tool_call_id, name } = message as ToolMessage;
  return { role: 'tool', content: textOf(message), tool_call_id, ...(name !== undefined && { name }) };
}

const said = (role: string) => (message: BaseMessage) => ({ role, content: textOf(message) });

/** By the type of the message. */
const kinds: Readonly<Record<string, (message: BaseMessage) => Message>> = {
  human: said('user'),
  ai: assistant,
  system: said('system'),
  developer: said('system'),
  tool,
  generic: (message) => said((message as BaseMessage & { role: string }).role)(message),
};

/** The conversation of messages. Throws UNSUPPORTED for a message that is no part of one. */
export const conversationOf = (messages: readonly BaseMessage[]): Conversation =>
  messages.map((message) => {
    const kind = kinds[message.getType()];
    if (kind) return kind(message);
    throw new HeedError('UNSUPPORTED', `A message is of the type ${message.getType()}`, {
      culprit: 'messages',
      cure: `There are ${Object.keys(kinds).join(', ')}`,
    });
  });
