/** Calls of functions: as each family writes them they are read, what is no call stays text, and what must be a call is one that can be made. */
import { describe, expect, it } from 'vitest';
import { constrain, type ParseOptions, parseToolCalls, type ToolFormat, toolSyntaxOf } from '../../../dist/generation/grammar/index.js';
import { toolSyntaxes } from '../../../dist/generation/grammar/tool_syntax.js';
import { accepts, binary, failureOf, randomOf, SIZE, textOf, toy, walk } from './toy.js';
import { validates } from './validator.js';

const tools = [
  {
    type: 'function',
    function: {
      name: 'weather',
      description: 'D',
      parameters: {
        type: 'object',
        properties: { city: { type: 'string' }, days: { type: 'integer', minimum: 1, maximum: 9 } },
        required: ['city'],
      },
    },
  },
  {
    type: 'function',
    function: {
      name: 'add',
      parameters: {
        type: 'object',
        properties: { a: { type: 'number' }, b: { type: 'array', items: { type: 'null' } } },
        required: ['a', 'b'],
      },
    },
  },
  { name: 'now' },
] as const;
const weather = ['weather', { city: 'Bern' }] as const;
const add = ['add', { a: 1.5, b: [null, null] }] as const;
const read = (text: string, options?: ParseOptions) => {
  const { content, tool_calls } = parseToolCalls(text, options);
  return { content, calls: tool_calls.map((call) => [call.function.name, JSON.parse(call.function.arguments)]) };
};

describe('calls', () => {
  it.each<
    [family: string, syntax: ParseOptions['syntax'], text: string, content: string | null, calls: readonly (readonly [string, unknown])[]]
  >([
    ['Qwen', 'hermes', '<tool_call>\n{"name": "weather", "arguments": {"city": "Bern"}}\n</tool_call>', null, [weather]],
    [
      'Hermes',
      'hermes',
      'I look.\n<tool_call>\n{"arguments": {"city": "Bern"}, "name": "weather"}\n</tool_call>\n<tool_call>\n{"name": "add", "arguments": {"a": 1.5, "b": [null, null]}}\n</tool_call>',
      'I look.',
      [weather, add],
    ],
    [
      'Qwen 3',
      'hermes',
      '<think>\nHm.\n</think>\n\n<tool_call>{"name": "now", "arguments": {}}</tool_call><|im_end|>',
      '<think>\nHm.\n</think>\n\n<|im_end|>',
      [['now', {}]],
    ],
    [
      'SmolLM2',
      'smollm2',
      '<tool_call>[{"name": "weather", "arguments": {"city": "Bern"}}, {"name": "now", "arguments": {}}]</tool_call>',
      null,
      [weather, ['now', {}]],
    ],
    ['Llama 3.1', 'llama3', '{"name": "weather", "parameters": {"city": "Bern"}}', null, [weather]],
    ['Llama 3.1, typed', 'llama3', '{"type": "function", "name": "weather", "parameters": {"city": "Bern"}}', null, [weather]],
    [
      'Llama 3.2',
      'llama3',
      '<|python_tag|>{"name": "weather", "parameters": {"city": "Bern"}}; {"name": "now", "parameters": {}}',
      null,
      [weather, ['now', {}]],
    ],
    ['Mistral', 'mistral', '[TOOL_CALLS] [{"name": "weather", "arguments": {"city": "Bern"}, "id": "abc123def"}]', null, [weather]],
    ['Mistral without its special token', 'mistral', ' [{"name": "weather", "arguments": {"city": "Bern"}}]', null, [weather]],
    [
      'Ministral',
      'mistral_args',
      '[TOOL_CALLS]weather[ARGS]{"city": "Bern"}[TOOL_CALLS]add[CALL_ID]x1[ARGS]{"a": 1.5, "b": [null, null]}',
      null,
      [weather, add],
    ],
    ['Granite 3', 'granite', '<|tool_call|>[{"name": "add", "arguments": {"a": 1.5, "b": [null, null]}}]', null, [add]],
    ['Phi-4-mini', 'phi4', '<|tool_call|>[{"name": "add", "arguments": {"a": 1.5, "b": [null, null]}}]<|/tool_call|>', null, [add]],
    [
      'Phi-4-mini, by name',
      'phi4',
      'functools[{"type": "function", "function": {"name": "weather", "arguments": {"city": "Bern"}}}]',
      null,
      [weather],
    ],
    [
      'arguments as a text',
      'hermes',
      '<tool_call>{"name": "weather", "arguments": "{\\"city\\": \\"Bern\\"}"}</tool_call>',
      null,
      [weather],
    ],
    [
      'brackets and quotes in texts',
      'hermes',
      '<tool_call>{"name": "now", "arguments": {"x": "}]\\"</tool_call>\\\\"}}</tool_call>!',
      '!',
      [['now', { x: '}]"</tool_call>\\' }]],
    ],
  ])('of %s are read', (_, syntax, text, content, calls) => {
    expect(read(text, { syntax })).toEqual({ content, calls });
    // Without a name for it where there are marks, and by the tools' names where there are none.
    expect(read(text, { tools })).toEqual({ content, calls });
  });

  it('are OpenAI’s, with ids that Mistral takes', () => {
    const text = '<tool_call>{"name":"now","arguments":{}}</tool_call>'.repeat(2);
    expect(parseToolCalls(text, { first: 3 })).toEqual({
      content: null,
      tool_calls: ['call00003', 'call00004'].map((id) => ({ id, type: 'function', function: { name: 'now', arguments: '{}' } })),
    });
  });

  it.each([
    'Nothing to call.',
    '',
    '<tool_call>',
    '<tool_call>\n{"name": "weather", "arguments": {"city": "Be',
    '<tool_call>{"name": "weather", "arguments": {"city": Bern}}</tool_call>',
    '<tool_call>{"name": 5, "arguments": {}}</tool_call>',
    '<tool_call>{"name": "a", "arguments": [1]}</tool_call>',
    '<tool_call>{"name": "a", "arguments": "no object"}</tool_call>',
    '<tool_call>[{"name": "a", "arguments": {}}, 5]</tool_call>',
    '<tool_call>[]</tool_call>',
    '<tool_call>"a"</tool_call>',
    '{"answer": 42}',
    '{"name": "Ada", "arguments": {}}',
    'See {"name": "weather", "parameters": {}}',
    '{"name": "weather", "parameters": {}} is what I would call',
    '[TOOL_CALLS]weather[ARGS][1]',
    '</tool_call>',
  ])('are not in %j, which stays text', (text) => {
    expect(parseToolCalls(text, { tools })).toEqual({ content: text, tool_calls: [] });
  });

  it('stand beside text that is none', () => {
    expect(read('<tool_call>{oops}</tool_call> <tool_call>{"name":"now","arguments":{}}</tool_call> end')).toEqual({
      content: '<tool_call>{oops}</tool_call>  end',
      calls: [['now', {}]],
    });
  });

  it('are not looked for endlessly', () => {
    for (const text of [
      '<tool_call>{'.repeat(50_000),
      '<tool_call>'.repeat(100_000),
      '{'.repeat(500_000),
      `<tool_call>{"a": "${'\\"'.repeat(500_000)}`,
      `[TOOL_CALLS]${'a'.repeat(500_000)}`,
      ' '.repeat(500_000),
    ])
      expect(parseToolCalls(text)).toEqual({ content: text, tool_calls: [] });
  });

  it('need a text and a syntax that there is', () => {
    expect(failureOf(() => parseToolCalls(5 as unknown as string))?.culprit).toBe('text');
    expect(failureOf(() => parseToolCalls('', { syntax: 'toString' as 'hermes' }))?.culprit).toBe('syntax');
    expect(failureOf(() => parseToolCalls('', { tools: [{} as { name: string }] }))).toBeUndefined();
    expect(failureOf(() => parseToolCalls('{"name": "a"}', { tools: [{} as { name: string }] }))?.culprit).toBe('tools');
  });
});

describe('a chat template', () => {
  it.each<[template: string, syntax: string | undefined]>([
    ["{{ '<tool_call>\\n' + tool_call | tojson + '\\n</tool_call>' }}", 'hermes'],
    ['<tool_call>[\n{"name": "func_name1", ...}]</tool_call>', 'smollm2'],
    ["{{- '<|python_tag|>' + tool_call.name }}", 'llama3'],
    ['{{- \'{"name": function name, "parameters": dictionary of argument name and its value}\' }}', 'llama3'],
    ["{{ '[TOOL_CALLS] [' }}", 'mistral'],
    ["{{ '[TOOL_CALLS]' + name + '[ARGS]' + arguments }}", 'mistral_args'],
    ['<|tool_call|> {{ tools }}', 'granite'],
    ["{{ '<|tool|>' + message['tools'] + '<|/tool|>' }}", 'phi4'],
    ['{{ messages }}', undefined],
  ])('%s shows how calls are written', (template, syntax) => {
    expect(toolSyntaxOf(template)).toBe(syntax);
  });
});

describe('an answer that must be a call', () => {
  it.each(Object.keys(toolSyntaxes) as (keyof typeof toolSyntaxes)[])('is one that can be made: %s', (syntax) => {
    const random = randomOf(5);
    for (const parallel_tool_calls of [false, true])
      for (let i = 0; i < 6; i++) {
        const text = textOf(walk({ type: 'tool_calls', tools, syntax, parallel_tool_calls }, random, 12));
        const { content, tool_calls } = parseToolCalls(text, { syntax });
        expect([content, tool_calls.length > 0, parallel_tool_calls || tool_calls.length === 1], text).toEqual([null, true, true]);
        for (const { function: call } of tool_calls) {
          const tool = tools.map((one) => ('function' in one ? one.function : one)).find(({ name }) => name === call.name);
          const schema = tool && 'parameters' in tool ? tool.parameters : { type: 'object', additionalProperties: false };
          expect(validates(JSON.parse(call.arguments), schema), text).toBe(true);
        }
      }
  });

  it('is of the one that is named', () => {
    const format: ToolFormat = {
      type: 'tool_calls',
      tools,
      tool_choice: { type: 'function', function: { name: 'add' } },
      syntax: 'llama3',
    };
    const idsOf = (text: string) => Array.from(binary(text), (byte) => byte.charCodeAt(0));
    expect(accepts(format, idsOf('{"name": "add", "parameters": {"a": 1, "b": []}}'))).toBe(true);
    expect(accepts(format, idsOf('{"name": "now", "parameters": {}}'))).toBe(false);
  });

  it('may begin with a mark that is a special token, or text', () => {
    const constraint = constrain(toy, { type: 'tool_calls', tools, syntax: 'mistral' });
    const special = SIZE - 1;
    const [text, bracket] = ['[', '['].map((one) => toy.tokens.indexOf(one)) as [number, number];
    expect(constraint.allowed([]).sort()).toEqual([text, special].sort());
    expect(constraint.allowed([special])).toEqual([bracket]);
  });

  it.each<[format: object, culprit: string]>([
    [{ tools: [] }, 'tools'],
    [{ tools: 'weather' }, 'tools'],
    [{ tools: [{ type: 'function' }] }, 'tools'],
    [{ tools, tool_choice: 'auto' }, 'tool_choice'],
    [{ tools, tool_choice: { type: 'function', function: { name: 'none' } } }, 'tool_choice'],
    [{ tools, syntax: 'xml' }, 'syntax'],
    [{ tools: [{ name: 'a', parameters: { not: {} } }] }, '#/not'],
  ])('%j cannot be', (format, culprit) => {
    expect(failureOf(() => constrain(toy, { type: 'tool_calls', ...format } as ToolFormat))?.culprit).toBe(culprit);
  });
});
