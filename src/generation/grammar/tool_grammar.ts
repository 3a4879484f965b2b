/** Function calls as expressions: an answer that must be a call names one of the given functions, with arguments that fit its schema, in the syntax of the model's family. */
import { HeedError, kindOf } from '../../errors.js';
import type { Expression, Expressions } from './expression.js';
import type { ResponseFormat } from './format.js';
import { schemaIn } from './schema.js';
import { type NamedTool, type Tool, type ToolFunction, toolOf } from './tool.js';
import { syntaxNamed } from './tool_calls.js';
import type { ToolSyntaxName } from './tool_syntax.js';
import { binary, MARK } from './vocabulary.js';

/** An answer that is a call. */
export interface ToolFormat {
  /** Type of the format. */
  type: 'tool_calls';
  /** The functions that may be called. */
  tools: readonly Tool[];
  /** Choice of the tool. Default 'required': any of the tools. An object names one tool. */
  tool_choice?: 'required' | NamedTool | undefined;
  /** Syntax of the model's tool calls: `toolSyntaxOf(tokenizer.chat_template)`. Default 'hermes'. */
  syntax?: ToolSyntaxName | undefined;
  /** `true` to allow several calls. Default false. */
  parallel_tool_calls?: boolean | undefined;
  /** Format of an answer that is no call, between which and a call the model decides. Default: it must be a call. */
  otherwise?: ResponseFormat | undefined;
}

const MOST_TOOLS = 256;

/** Expression of the calls that a tool_calls format allows. */
export function toolCallsIn(
  make: Expressions,
  { tools, tool_choice = 'required', syntax = 'hermes', parallel_tool_calls = false }: ToolFormat,
): Expression {
  const { begins, ends, list, lines, given, named } = syntaxNamed(syntax);
  /** A mark is a special token of some vocabularies, and text of others. */
  const mark = (text: string | undefined) =>
    text ? make.choice(make.text(text), make.literal([MARK, ...Array.from(binary(text), (byte) => byte.charCodeAt(0)), MARK])) : make.empty;
  const call = ({ name, parameters = { type: 'object', properties: {} } }: ToolFunction): Expression => {
    const own = schemaIn(make, parameters);
    if (named) return make.sequence(make.text(name), mark(named), own);
    return make.sequence(make.text(`{"name": ${JSON.stringify(name)}, "${given}": `), own, make.text('}'));
  };
  const calls = make.choice(...chosen(tools, tool_choice).map(call));
  const line = make.text(lines ? '\n' : '');
  const [open, close] = [make.sequence(mark(begins[0]), line), make.sequence(ends[0] ? line : make.empty, mark(ends[0]))];
  const several = (one: Expression, between: string) =>
    parallel_tool_calls ? make.sequence(one, make.repeat(make.sequence(make.text(between), one), 0)) : one;
  if (list) return make.sequence(open, make.text('['), several(calls, ', '), make.text(']'), close);
  return several(make.sequence(open, calls, close), begins[0] ? (lines ? '\n' : '') : '; ');
}

/** The tools of which one must be called. */
function chosen(tools: readonly Tool[], choice: ToolFormat['tool_choice']): readonly ToolFunction[] {
  if (!Array.isArray(tools) || !tools.length || tools.length > MOST_TOOLS)
    throw new HeedError('ARGUMENT', `tools is ${kindOf(tools)}`, { culprit: 'tools', cure: `Give a list of 1 to ${MOST_TOOLS} tools` });
  const all = tools.map(toolOf);
  if (choice === 'required') return all;
  const name = choice?.function?.name;
  const found = all.filter((tool) => tool.name === name);
  if (found.length) return found;
  throw new HeedError('ARGUMENT', `tool_choice is ${kindOf(name ?? choice)}`, {
    culprit: 'tool_choice',
    cure: `Give 'required', or { type: 'function', function: { name } } with one of ${all
      .map((tool) => tool.name)
      .join(', ')
      .slice(0, 200)}; for 'auto' and 'none' no format is needed`,
  });
}
