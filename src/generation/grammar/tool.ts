/** Functions that a model may call, in the form of OpenAI's API, or as the inner object alone. */
import { HeedError, kindOf } from '../../errors.js';

/** A function: its name, and a JSON schema of its arguments. */
export interface ToolFunction {
  /** Name by which the function is called. */
  readonly name: string;
  /** Description for the model. */
  readonly description?: string | undefined;
  /** JSON schema of the arguments, an object. Default: an object without members. */
  readonly parameters?: unknown;
}

/** A function as OpenAI's interface has it. */
export interface FunctionTool {
  /** Kind of tool; 'function' is the only one. */
  readonly type: 'function';
  /** The function. */
  readonly function: ToolFunction;
}

/** A function that a model may call. */
export type Tool = ToolFunction | FunctionTool;

/** The function that must be called. */
export interface NamedTool {
  /** Kind of tool; 'function' is the only one. */
  readonly type: 'function';
  /** Function to call, by name. */
  readonly function: Pick<ToolFunction, 'name'>;
}

/** The inner function object of a tool. Throws ARGUMENT for a value that is no tool. */
export function toolOf(tool: Tool): ToolFunction {
  const own = typeof tool === 'object' && tool !== null && 'function' in tool ? tool.function : (tool as ToolFunction | undefined);
  if (typeof own === 'object' && own !== null && typeof own.name === 'string' && own.name) return own;
  throw new HeedError('ARGUMENT', `tools: a tool is ${kindOf(tool)}`, {
    culprit: 'tools',
    cure: "Give { type: 'function', function: { name, description, parameters } }",
  });
}
