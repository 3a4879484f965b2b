/** Prompts of the AI SDK as the conversations that chat templates read. */
import type { LanguageModelV4Message, LanguageModelV4Prompt, LanguageModelV4ToolResultOutput } from '@ai-sdk/provider';
import { HeedError } from '../errors.js';
import type { Conversation, Message } from '../text/chat_options.js';

const unread = (what: string): HeedError =>
  new HeedError('UNSUPPORTED', `A message has ${what}, which the language model does not read`, { culprit: 'prompt', cure: 'Give text' });

type Part = Exclude<LanguageModelV4Message['content'], string>[number];
type ResultPart = Extract<Part, { type: 'tool-result' }>;

/** Text of parts. Reasoning of earlier answers is left out, as templates leave it out. Throws UNSUPPORTED for what is no text. */
function textOf(parts: readonly Part[]): string {
  let text = '';
  for (const part of parts)
    if (part.type === 'text') text += part.text;
    else if (part.type === 'file') throw unread(`a file of the type ${part.mediaType}`);
    else if (part.type === 'custom' || part.type === 'reasoning-file') throw unread(`a part of the type ${part.type}`);
  return text;
}

type Output<Type extends LanguageModelV4ToolResultOutput['type']> = Extract<LanguageModelV4ToolResultOutput, { type: Type }>;

/** Text of what a tool returned, by its type. */
const results: { readonly [Type in LanguageModelV4ToolResultOutput['type']]: (output: Output<Type>) => string } = {
  text: ({ value }) => value,
  json: ({ value }) => JSON.stringify(value),
  'error-text': ({ value }) => value,
  'error-json': ({ value }) => JSON.stringify(value),
  'execution-denied': ({ reason }) => reason ?? 'The call was not allowed',
  content: ({ value }) =>
    value
      .map((part) => {
        if (part.type === 'text') return part.text;
        throw unread(`a tool's result of the type ${part.type}`);
      })
      .join(''),
};

const resultOf = ({ toolCallId, toolName, output }: ResultPart): Message => ({
  role: 'tool',
  content: (results[output.type] as (output: LanguageModelV4ToolResultOutput) => string)(output),
  tool_call_id: toolCallId,
  name: toolName,
});

/** Messages by role; results of tools are a message each. */
const messages: {
  readonly [Role in LanguageModelV4Message['role']]: (message: Extract<LanguageModelV4Message, { role: Role }>) => readonly Message[];
} = {
  system: ({ content }) => [{ role: 'system', content }],
  user: ({ content }) => [{ role: 'user', content: textOf(content) }],
  assistant({ content }) {
    const calls = content.filter((part) => part.type === 'tool-call');
    const tool_calls = calls.map(({ toolCallId: id, toolName: name, input }) => ({
      id,
      type: 'function',
      function: { name, arguments: input },
    }));
    const said = { role: 'assistant', content: textOf(content), ...(calls.length && { tool_calls }) };
    return [said, ...content.filter((part) => part.type === 'tool-result').map(resultOf)];
  },
  tool: ({ content }) => content.filter((part) => part.type === 'tool-result').map(resultOf),
};

/** The conversation of a prompt. Throws UNSUPPORTED for files. */
export const conversationOf = (prompt: LanguageModelV4Prompt): Conversation =>
  prompt.flatMap((message) => (messages[message.role] as (message: LanguageModelV4Message) => readonly Message[])(message));
