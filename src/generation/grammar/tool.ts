/** Functions that a model may call, as OpenAI's interface has them, or without what is around them. */
import { HeedError, kindOf } from '../../errors.js';

/** A function: its name, and a JSON schema of what it is given. */
export interface ToolFunction {
  /** Name by which the function is called. */
  readonly name: string;
  /** For the model. */
  readonly description?: string | undefined;
  /** A JSON schema of an object. Default: an object without members. */
  readonly parameters?: unknown;
}

/** A function as OpenAI's interface has it. */
export interface FunctionTool {
  /** There are no others. */
  readonly type: 'function';
  /** The function. */
  readonly function: ToolFunction;
}

/** A function that a model may call. */
export type Tool = ToolFunction | FunctionTool;

/** The function that must be called. */
export interface NamedTool {
  /** There are no others. */
  readonly type: 'function';
  /** Function to call, by name. */
  readonly function: Pick<ToolFunction, 'name'>;
}

/** A function without what is around it. Throws ARGUMENT for what is none. */
export function toolOf(tool: Tool): ToolFunction {
  const own = typeof tool === 'object' && tool !== null && 'function' in tool ? tool.function : (tool as ToolFunction | undefined);
  if (typeof own === 'object' && own !== null && typeof own.name === 'string' && own.name) return own;
  throw new HeedError('ARGUMENT', `tools: a tool is ${kindOf(tool)}`, {
    culprit: 'tools',
    cure: "Give { type: 'function', function: { name, description, parameters } }",
  });
}
