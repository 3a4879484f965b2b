/** Syntaxes in which families of models write function calls, as in their chat templates. */

export interface ToolSyntax {
  /** Stands before a call or a list of calls: as it is written, and what else is read. */
  readonly begins: readonly string[];
  /** Stands behind; it may be missing when a text is read. */
  readonly ends: readonly string[];
  /** All calls in one list; else each between marks of its own. */
  readonly list?: boolean;
  /** `true` where marks stand on lines of their own. */
  readonly lines?: boolean;
  /** Name of the member with a call's arguments. */
  readonly given: 'arguments' | 'parameters';
  /** Stands between the name and what is given, where a call is no object. */
  readonly named?: string;
  /** Pattern that identifies a chat template of this syntax. */
  readonly told: RegExp;
}

/** Those that are told by more come first. */
export const toolSyntaxes = {
  /** Mistral's newer tokenizers (v11 and later): [TOOL_CALLS]name[ARGS]{…} */
  mistral_args: { begins: ['[TOOL_CALLS]'], ends: [], given: 'arguments', named: '[ARGS]', told: /\[TOOL_CALLS\].*\[ARGS\]/s },
  /** Mistral and Ministral: [TOOL_CALLS][{…}, …] */
  mistral: { begins: ['[TOOL_CALLS]'], ends: [], list: true, given: 'arguments', told: /\[TOOL_CALLS\]/ },
  /** Phi-4-mini: <|tool_call|>[{…}, …]<|/tool_call|> */
  phi4: {
    begins: ['<|tool_call|>', '<|tool_calls|>', 'functools'],
    ends: ['<|/tool_call|>', '<|/tool_calls|>'],
    list: true,
    given: 'arguments',
    told: /<\|\/tool\|>|<\|\/tool_call|functools/,
  },
  /** Granite 3: <|tool_call|>[{…}, …] */
  granite: {
    begins: ['<|tool_call|>', '<tool_call>', '<function_call>'],
    ends: [],
    list: true,
    given: 'arguments',
    told: /<\|tool_call\|>/,
  },
  /** SmolLM2: <tool_call>[{…}, …]</tool_call> */
  smollm2: { begins: ['<tool_call>'], ends: ['</tool_call>'], list: true, given: 'arguments', told: /<tool_call>\s*\[/ },
  /** Hermes, Qwen 2.5 and 3, SmolLM3, Granite 4: <tool_call>{…}</tool_call> */
  hermes: { begins: ['<tool_call>'], ends: ['</tool_call>'], lines: true, given: 'arguments', told: /<tool_call>/ },
  /** Llama 3.1 to 3.3: {"name": …, "parameters": …} and nothing else, or behind <|python_tag|> */
  llama3: { begins: ['', '<|python_tag|>'], ends: [], given: 'parameters', told: /<\|python_tag\|>|"parameters": dictionary/ },
} as const satisfies Readonly<Record<string, ToolSyntax>>;

/** A family's way of writing calls. */
export type ToolSyntaxName = keyof typeof toolSyntaxes;

/** Syntax of tool calls of a chat template; undefined where the template has none. */
export const toolSyntaxOf = (chat_template: string): ToolSyntaxName | undefined =>
  (Object.keys(toolSyntaxes) as ToolSyntaxName[]).find((name) => toolSyntaxes[name].told.test(chat_template));
