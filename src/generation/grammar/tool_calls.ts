/**
 * Function calls in a model's text. A call that is cut off or malformed stays text, so that a program never gets a call that the model did not
 * write in full.
 */
import { checkOptions, HeedError, kindOf } from '../../errors.js';
import { type Tool, toolOf } from './tool.js';
import { type ToolSyntax, type ToolSyntaxName, toolSyntaxes } from './tool_syntax.js';

/** A call, as OpenAI's interface has it. */
export interface ToolCall {
  /** Id of the call: nine letters and digits, the form that Mistral's templates require. */
  id: string;
  /** Kind of call; 'function' is the only one. */
  type: 'function';
  /** Name and arguments of the called function. */
  function: {
    /** The function's name, as the model wrote it. */
    name: string;
    /** An object in JSON. */
    arguments: string;
  };
}

/** Text and tool calls of a model's answer. */
export interface ParsedAnswer {
  /** Text around the calls; null where there is none. */
  content: string | null;
  /** Calls, in the order of the text. */
  tool_calls: ToolCall[];
}

/** Options of `parseToolCalls`. */
export interface ParseOptions {
  /** Syntax of the model's tool calls: `toolSyntaxOf(tokenizer.chat_template)`. Default: any syntax with marks. */
  syntax?: ToolSyntaxName | undefined;
  /** The functions that the model was told of. Then calls without marks are known by their names. */
  tools?: readonly Tool[] | undefined;
  /** Number of the first call, for its id: the number of earlier calls in the conversation. Default 0. */
  first?: number | undefined;
}

interface Call {
  readonly name: string;
  readonly given: string;
}

/** Beginnings of calls that turn out to be none before the rest is taken for text. */
const MOST_FAILURES = 64;

/** Reads the calls out of a text. */
export function parseToolCalls(text: string, options: ParseOptions = {}): ParsedAnswer {
  checkOptions(options, ['syntax', 'tools', 'first'], 'parseToolCalls');
  if (typeof text !== 'string') throw new HeedError('ARGUMENT', `parseToolCalls: the text is ${kindOf(text)}`, { culprit: 'text' });
  const { syntax, tools, first = 0 } = options;
  const known = syntax === undefined ? Object.values(toolSyntaxes) : [syntaxNamed(syntax)];
  const { calls, content } = bare(text, syntax, tools) ?? marked(text, known);
  const tool_calls = calls.map(
    ({ name, given }, i): ToolCall => ({
      id: `call${String(first + i).padStart(5, '0')}`,
      type: 'function',
      function: { name, arguments: given },
    }),
  );
  return { content: tool_calls.length ? content.trim() || null : text, tool_calls };
}

export function syntaxNamed(name: ToolSyntaxName): ToolSyntax {
  if (typeof name === 'string' && Object.hasOwn(toolSyntaxes, name)) return toolSyntaxes[name];
  throw new HeedError('ARGUMENT', `tool calls: the syntax is ${kindOf(name)}`, {
    culprit: 'syntax',
    cure: `Give one of ${Object.keys(toolSyntaxes).join(', ')}, or toolSyntaxOf(tokenizer.chat_template)`,
  });
}

interface Read {
  readonly calls: readonly Call[];
  readonly content: string;
}

/** Reads a text that consists of calls alone: Llama's, and calls whose marks are special tokens that decoding left out. */
function bare(text: string, syntax: ToolSyntaxName | undefined, tools: readonly Tool[] | undefined): Read | undefined {
  const begin = text.search(/\S/);
  if (begin < 0 || !'{['.includes(text[begin] as string)) return undefined;
  const found = callsAt(text, begin, undefined);
  if (!found || text.slice(found.end).trim()) return undefined;
  const names = tools?.map((tool) => toolOf(tool).name);
  const isCall = syntax !== undefined || (names !== undefined && found.calls.every(({ name }) => names.includes(name)));
  return isCall ? { calls: found.calls, content: '' } : undefined;
}

/** Calls behind marks, and the text between them. */
function marked(text: string, syntaxes: readonly ToolSyntax[]): Read {
  const begins = [...new Set(syntaxes.flatMap((syntax) => syntax.begins))].filter(Boolean);
  const ends = [...new Set(syntaxes.flatMap((syntax) => syntax.ends))];
  const named = syntaxes.flatMap((syntax) => syntax.named ?? []);
  const escaped = (marks: readonly string[]) => marks.map((mark) => mark.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('|');
  const begin = new RegExp(escaped(begins) || '(?!)', 'g');
  const end = new RegExp(`\\s*(?:${escaped(ends) || '(?!)'})`, 'y');
  const calls: Call[] = [];
  let content = '';
  let done = 0;
  for (let failures = 0; failures < MOST_FAILURES; ) {
    const found = begin.exec(text);
    if (!found) break;
    const read = callsAt(text, begin.lastIndex, named[0]);
    if (!read) {
      failures++;
      continue;
    }
    calls.push(...read.calls);
    content += text.slice(done, found.index);
    end.lastIndex = read.end;
    done = end.exec(text) ? end.lastIndex : read.end;
    begin.lastIndex = done;
  }
  return { calls, content: content + text.slice(done) };
}

/** Reads a call, several, or a list of them, and their end. `named`: the mark that may stand between a name and its arguments. */
function callsAt(text: string, from: number, named: string | undefined): { calls: readonly Call[]; end: number } | undefined {
  const calls: Call[] = [];
  const separator = /\s*[;,]?\s*/y;
  const name = /\s*([\w.-]{1,256})(?:\[CALL_ID\]\w*)?(?=\[)/y;
  let end = from;
  for (let at = from; ; ) {
    separator.lastIndex = at;
    separator.exec(text);
    let begin = separator.lastIndex;
    name.lastIndex = begin;
    const own = named === undefined ? undefined : name.exec(text)?.[1];
    const isNamed = own !== undefined && named !== undefined && text.startsWith(named, name.lastIndex);
    if (isNamed) begin = name.lastIndex + named.length;
    const last = endOfJson(text, begin);
    const read = last === undefined ? undefined : valuesOf(text.slice(begin, last), isNamed ? own : undefined);
    if (!read || last === undefined) break;
    calls.push(...read);
    end = at = last;
  }
  return calls.length ? { calls, end } : undefined;
}

/** Index behind the object or list that begins at `begin`, by its brackets; undefined where none begins or it has no end. */
function endOfJson(text: string, begin: number): number | undefined {
  if (text[begin] !== '{' && text[begin] !== '[') return undefined;
  const mark = /["{}[\]]/g;
  const string = /"[^"\\]*(?:\\.[^"\\]*)*"/sy;
  let depth = 0;
  for (mark.lastIndex = begin; ; ) {
    const found = mark.exec(text);
    if (!found) return undefined;
    if (found[0] === '"') {
      string.lastIndex = found.index;
      if (!string.exec(text)) return undefined;
      mark.lastIndex = string.lastIndex;
    } else if ('{['.includes(found[0])) depth++;
    else if (--depth === 0) return mark.lastIndex;
  }
}

/** Calls in a text of JSON; undefined for any other text. `name`: the function whose arguments the text has. */
function valuesOf(json: string, name: string | undefined): readonly Call[] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return undefined;
  }
  if (name !== undefined) return Array.isArray(value) ? undefined : [{ name, given: JSON.stringify(value) }];
  const calls = [value].flat(1).map(callOf);
  return calls.length && calls.every((call) => call !== undefined) ? calls : undefined;
}

function callOf(value: unknown): Call | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { function: inner, ...outer } = value as Record<string, unknown>;
  const {
    name,
    arguments: given,
    parameters = {},
  } = (typeof inner === 'object' && inner !== null ? inner : outer) as Record<string, unknown>;
  if (typeof name !== 'string' || !name) return undefined;
  const own = given ?? parameters ?? {};
  if (typeof own === 'object' && !Array.isArray(own)) return { name, given: JSON.stringify(own) };
  // Some models write the arguments as a string of JSON.
  if (typeof own !== 'string') return undefined;
  try {
    const inside: unknown = JSON.parse(own);
    return typeof inside === 'object' && inside !== null && !Array.isArray(inside) ? { name, given: own } : undefined;
  } catch {
    return undefined;
  }
}
