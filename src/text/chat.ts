/**
 * Chat templates: conversations as the texts that chat models were trained on. A template in Jinja, which comes with the tokenizer, writes roles, messages and tools between the
 * model's own special tokens, as transformers' apply_chat_template does. @huggingface/jinja interprets the templates.
 */
import { HeedError, kindOf } from '../errors.js';
import { type ChatOptions, type ChatRenderer, type Conversation, chatOptionNames, extended } from './chat_options.js';
import { BoundedTemplate, Endless } from './jinja.js';
import type { ChatTemplate } from './told.js';

/** A template longer than that is no template. */
const LONGEST = 1 << 20;

const refused = (what: string, culprit: string, cure: string, cause?: unknown) =>
  new HeedError('ARGUMENT', `apply_chat_template: ${what}`, { culprit, cure, cause });

/** Templates that were parsed, of which a program has a few. */
const parsed = new Map<string, BoundedTemplate>();

function templateOf(source: string): BoundedTemplate {
  const known = parsed.get(source);
  if (known) return known;
  if (source.length > LONGEST) throw refused(`the template has ${source.length} characters`, 'chat_template', 'Give another');
  let template: BoundedTemplate;
  try {
    template = new BoundedTemplate(source);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new HeedError('FORMAT', `apply_chat_template: the template cannot be read: ${why.slice(0, 200)}`, {
      culprit: 'chat_template',
      cause,
    });
  }
  if (parsed.size >= 16) parsed.clear();
  parsed.set(source, template);
  return template;
}

/** The template that is meant: the tokenizer's, one of several by its name, or a text. */
function chosen(own: ChatTemplate | undefined, { chat_template: given, tools }: ChatOptions): string {
  if (typeof given === 'string') return typeof own === 'object' && Object.hasOwn(own, given) ? (own[given] as string) : given;
  if (typeof own === 'string') return own;
  const name = own && tools && Object.hasOwn(own, 'tool_use') ? 'tool_use' : 'default';
  const found = own && Object.hasOwn(own, name) ? own[name] : undefined;
  if (found !== undefined) return found;
  if (!own)
    throw refused(
      'this tokenizer has no chat template',
      'chat_template',
      'Give one as chat_template; models that are no chat models have none',
    );
  throw refused(
    'the tokenizer has several templates, and none is the default',
    'chat_template',
    `Name one of ${Object.keys(own).join(', ')}`,
  );
}

/** Stands behind a message that is to be continued, so that its end is found; a template that trims messages takes the space. */
const TAG = 'CONTINUE_FINAL_MESSAGE_TAG ';

/** A text up to the tag. */
function unfinished(text: string): string {
  const at = text.lastIndexOf(TAG.trim());
  if (at < 0)
    throw refused('the template changes the last message, which so cannot be continued', 'continue_final_message', 'Leave it out');
  return text.startsWith(TAG, at) ? text.slice(0, at) : text.slice(0, at).trimEnd();
}

/** Renders conversations: `registerChatTemplates(chatTemplates)`. */
export const chatTemplates: ChatRenderer = (conversation, own, tokens, options) => {
  const { tools, documents, add_generation_prompt = false, continue_final_message = false } = options;
  if (continue_final_message && add_generation_prompt)
    throw refused('a message cannot be continued and another begun', 'continue_final_message', 'Give one of both');
  check(conversation);
  const messages = continue_final_message ? extended(conversation, TAG) : conversation;
  const source = chosen(own, options);
  const template = templateOf(source);
  const variables = Object.entries(options).filter(([name, value]) => value !== undefined && !chatOptionNames.includes(name));
  for (const [name] of variables)
    if (!(/^[A-Za-z_]\w{0,99}$/.test(name) && new RegExp(`\\b${name}\\b`).test(source)))
      throw refused(
        `the template has no use for ${name.slice(0, 60)}`,
        name,
        `Options are ${chatOptionNames.join(', ')}, and what the template reads`,
      );
  let text: string;
  try {
    text = template.render({
      ...tokens,
      messages,
      tools,
      documents,
      add_generation_prompt,
      ...Object.fromEntries(variables),
    });
  } catch (cause) {
    if (cause instanceof Endless)
      throw new HeedError('FORMAT', `apply_chat_template: the template was stopped: ${cause.message}`, {
        culprit: 'chat_template',
        cure: 'Give another as chat_template, or fewer messages',
        cause,
      });
    // The template's own message says what it refuses.
    const why = cause instanceof Error ? cause.message : String(cause);
    throw refused(`the template refuses it: ${why.slice(0, 200)}`, 'conversation', 'Give roles and contents that this model knows', cause);
  }
  return continue_final_message ? unfinished(text) : text;
};

function check(conversation: Conversation): void {
  for (const [i, message] of conversation.entries())
    if (typeof message !== 'object' || message === null || typeof message.role !== 'string')
      throw refused(`message ${i} is ${kindOf(message)}`, 'conversation', "Give { role: 'user', content: '…' }");
  if (conversation.length === 0) throw refused('the conversation has no message', 'conversation', 'Give one');
}
