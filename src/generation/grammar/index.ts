/**
 * heed/structured: answers in a required format, and function calls in models' texts. It needs no engine, and no other entry includes it.
 * @module heed/structured
 */
export { type ConstrainOptions, Constraint, constrain, type GrammarProcessor } from './constrain.js';
export type { ChoiceFormat, JsonObjectFormat, JsonSchemaFormat, RegexFormat, ResponseFormat } from './format.js';
export type { FunctionTool, NamedTool, Tool, ToolFunction } from './tool.js';
export { type ParsedAnswer, type ParseOptions, parseToolCalls, type ToolCall } from './tool_calls.js';
export type { ToolFormat } from './tool_grammar.js';
export { type ToolSyntaxName, toolSyntaxOf } from './tool_syntax.js';
export { type TokenSource, type Vocabulary, vocabularyOf } from './vocabulary.js';
