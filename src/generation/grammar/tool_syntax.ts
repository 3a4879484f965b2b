/** Syntaxes in which families of models write function calls, as in their chat templates. */

export interface ToolSyntax {
  /** Marks before a call or a list of calls: the first is written, the others are also read. */
  readonly begins: readonly string[];
  /** Marks behind a call; a mark may be missing when a text is read. */
  readonly ends: readonly string[];
  /** `true` where all calls are in one list; else each call has its own marks. */
  readonly list?: boolean;
  /** `true` where marks stand on lines of their own. */
  readonly lines?: boolean;
  /** Name of the member with a call's arguments. */
  readonly given: 'arguments' | 'parameters';
  /** Mark between the name and the arguments, where a call is no object. */
  readonly named?: string;
  /** Pattern that identifies a chat template of this syntax. */
  readonly told: RegExp;
}

/** Syntaxes by name, those with more specific patterns first. */
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
