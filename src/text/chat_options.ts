/** What a tokenizer's apply_chat_template takes, and how it is done, for whoever has registered it: chat.ts, which small bundles do without. */
import { HeedError, kindOf } from '../errors.js';
import type { BatchOptions } from './batch.js';
import type { ChatTemplate } from './told.js';

/** Message of a conversation. */
export interface Message {
  /** 'system', 'user', 'assistant', 'tool', or what else the model's template knows. */
  role: string;
  /** The words; of models that take more, a list of parts: `{ type: 'text', text: '…' }`. */
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
  /** Another template than the tokenizer's, or the name of one of several. */
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

/** Makes the text of a conversation; `tokens` are the special ones by their names, `bos_token` and the like. */
export type ChatRenderer = (
  conversation: Conversation,
  own: ChatTemplate | undefined,
  tokens: Readonly<Record<string, string | undefined>>,
  options: ChatOptions,
) => string;

let renderer: ChatRenderer | undefined;

/** Gives tokenizers `apply_chat_template`: `chatTemplates`. heed has it registered, heed/core leaves it to you. */
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
