/** Tool calls in a text as it is written: the text before a call is passed on, a call is held back until it can be read as a whole. */
import { HeedError } from '../errors.js';
import type { Tool } from '../generation/grammar/tool.js';
import { parseToolCalls, type ToolCall } from '../generation/grammar/tool_calls.js';
import { type ToolSyntaxName, toolSyntaxes, toolSyntaxOf } from '../generation/grammar/tool_syntax.js';
import type { CallableTokenizer } from '../text/tokenizer.js';

/** Syntax of a tokenizer's tool calls. Throws UNSUPPORTED where its chat template has none. */
export function syntaxOf({ chat_template: own }: CallableTokenizer): ToolSyntaxName {
  const texts = typeof own === 'string' ? [own] : Object.values((own ?? {}) as Record<string, string>);
  const found = texts.map((text) => toolSyntaxOf(text)).find((name) => name !== undefined);
  if (found) return found;
  throw new HeedError('UNSUPPORTED', 'The chat template of the model has no tools', {
    culprit: 'tools',
    cure: 'Leave them out, or take a model that calls functions',
  });
}

/** Divides a text into what is said and what is called. */
export class CallFilter {
  #held = '';
  #isCall = false;
  #isFirst = true;
  readonly #marks: readonly string[];

  constructor(
    readonly syntax: ToolSyntaxName,
    readonly tools: readonly Tool[],
    /** Number of calls that the conversation already has. */
    readonly first: number,
  ) {
    this.#marks = (toolSyntaxes[syntax].begins as readonly string[]).filter(Boolean);
  }

  /** Takes a piece of the text in and returns what is certainly no call. */
  push(piece: string): string {
    this.#held += piece;
    if (this.#isCall) return '';
    const begin = this.#held.search(/\S/);
    // A text may be a call without marks.
    if (this.#isFirst && (begin < 0 || '{['.includes(this.#held[begin] as string))) return '';
    this.#isFirst = false;
    const at = this.#marks.map((mark) => this.#held.indexOf(mark)).filter((index) => index >= 0);
    this.#isCall = at.length > 0;
    return this.#take(this.#isCall ? Math.min(...at) : this.#held.length - this.#begun());
  }

  /** The rest of the text: what is said, and the calls. */
  end(): { text: string; calls: readonly ToolCall[] } {
    const { syntax, tools, first } = this;
    const { content, tool_calls: calls } = parseToolCalls(this.#take(this.#held.length), { syntax, tools, first });
    return { text: content ?? '', calls };
  }

  /** Characters at the end that may begin a mark. */
  #begun(): number {
    const held = this.#held;
    const longest = Math.max(0, ...this.#marks.map((mark) => mark.length - 1));
    for (let length = Math.min(longest, held.length); length > 0; length--)
      if (this.#marks.some((mark) => mark.startsWith(held.slice(-length)))) return length;
    return 0;
  }

  #take(until: number): string {
    const text = this.#held.slice(0, until);
    this.#held = this.#held.slice(until);
    return text;
  }
}
