/** Options of a tokenizer's apply_chat_template, and the registry of its implementation, chat.ts, which small bundles leave out. */
import { HeedError, kindOf } from '../errors.js';
import type { BatchOptions } from './batch.js';
import type { ChatTemplate } from './told.js';

/** Message of a conversation. */
export interface Message {
  /** Role of the message: 'system', 'user', 'assistant', 'tool', or any other that the model's template knows. */
  role: string;
  /** Text of the message; for models with other inputs, a list of parts: `{ type: 'text', text: '…' }`. */
  content?: string | readonly object[] | null | undefined;
  /** Other fields that the template reads: `tool_calls`, `name`. */
  readonly [key: string]: unknown;
}

/** Messages in the order in which they were said. */
export type Conversation = readonly Message[];

/** Options of a tokenizer's `apply_chat_template`. */
export interface ChatOptions extends Pick<BatchOptions, 'padding' | 'truncation' | 'max_length' | 'return_tensor'> {
  /** `true` to end with the tokens that begin the model's answer. Default false. */
  add_generation_prompt?: boolean | undefined;
  /** `true` to leave the last message open, for the model to continue. Default false. */
  continue_final_message?: boolean | undefined;
  /** Template instead of the tokenizer's, or the name of one of several. */
  chat_template?: string | undefined;
  /** Functions that the model may call, as JSON Schema. */
  tools?: readonly object[] | undefined;
  /** Texts that the model may read. */
  documents?: readonly object[] | undefined;
  /** `true` to return token ids, `false` for the text. Default true. */
  tokenize?: boolean | undefined;
  /** `true` to return `{ input_ids, attention_mask }`, `false` for input_ids alone. Default true. */
  return_dict?: boolean | undefined;
  /** Anything else that the template reads: `enable_thinking`. */
  readonly [variable: string]: unknown;
}

/** Returns one conversation or several as a list. Throws ARGUMENT for anything else. */
export function conversationsOf(given: Conversation | readonly Conversation[]): { all: readonly Conversation[]; several: boolean } {
  if (!Array.isArray(given))
    throw new HeedError('ARGUMENT', `apply_chat_template: the conversation is ${kindOf(given)}`, {
      culprit: 'conversation',
      cure: 'Give a list of messages',
    });
  const several = Array.isArray(given[0]);
  return { all: (several ? given : [given]) as readonly Conversation[], several };
}

/** Returns the conversation with `more` behind its last message; of several parts behind the last text. Throws ARGUMENT for a message without one. */
export function extended(conversation: Conversation, more: string): Conversation {
  const last = conversation.at(-1) as Message;
  const { content } = last;
  const parts = Array.isArray(content) ? [...(content as readonly { text?: unknown }[])] : [];
  const at = parts.findLastIndex((part) => typeof part?.text === 'string');
  if (typeof content !== 'string' && at < 0)
    throw new HeedError('ARGUMENT', `apply_chat_template: the last message's content is ${kindOf(content)}`, {
      culprit: 'conversation',
      cure: 'To be continued it must be a text',
    });
  if (at >= 0) parts[at] = { ...parts[at], text: parts[at]?.text + more };
  return [...conversation.slice(0, -1), { ...last, content: typeof content === 'string' ? content + more : parts }];
}

/** Makes the text of a conversation; `tokens` are the special ones by their names, `bos_token` and the like. */
export type ChatRenderer = (
  conversation: Conversation,
  own: ChatTemplate | undefined,
  tokens: Readonly<Record<string, string | undefined>>,
  options: ChatOptions,
) => string;

let renderer: ChatRenderer | undefined;

/** Registers `apply_chat_template` for tokenizers: `chatTemplates`. heed has it registered, heed/core leaves it to you. */
export function registerChatTemplates(chat: ChatRenderer): void {
  renderer = chat;
}

/** Throws UNSUPPORTED where none is registered. */
export function chatRenderer(): ChatRenderer {
  if (renderer) return renderer;
  throw new HeedError('UNSUPPORTED', 'heed/core does not write conversations', {
    culprit: 'apply_chat_template',
    cure: 'Call registerChatTemplates(chatTemplates) first; both are exports of heed/core',
  });
}

/** The names of options that every template has. */
export const chatOptionNames = [
  ...['add_generation_prompt', 'continue_final_message', 'chat_template', 'tools', 'documents', 'tokenize', 'return_dict', 'variables'],
  ...['padding', 'truncation', 'max_length', 'return_tensor'],
];
