/** Conversations as transformers writes them, by templates of known chat models; their tokens; and what is refused. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { AutoTokenizer } from '../../dist/entry/node.js';
import { failureOf } from '../io/memory.js';

const { templates, cases } = JSON.parse(readFileSync(new URL('../fixtures/chat/chats.json', import.meta.url), 'utf8'));
const tokenizer = await AutoTokenizer.from_pretrained(fileURLToPath(new URL('../fixtures/bert-tiny', import.meta.url)));
tokenizer.bos_token = '[CLS]';
tokenizer.eos_token = '[SEP]';
/** The fixture's special tokens are of another vocabulary. */
const own = (text: string) => text.replaceAll('<s>', '[CLS]').replaceAll('</s>', '[SEP]');
const hello = [{ role: 'user', content: 'hello' }];

describe('a conversation', () => {
  it.each(Object.keys(templates))('is written as transformers writes it: %s', (name) => {
    const mine = cases.filter((one: { template: string }) => one.template === name);
    expect(mine.length).toBeGreaterThan(12);
    for (const { messages, options, text, error } of mine) {
      const write = () => tokenizer.apply_chat_template(messages, { ...options, chat_template: templates[name], tokenize: false });
      if (error === undefined) expect(write()).toBe(own(text));
      else expect(write, error).toThrow(expect.objectContaining({ name: 'HeedError', code: 'ARGUMENT' }));
    }
  });

  it('becomes tokens, without more special ones than the template has', () => {
    tokenizer.chat_template = '{% for m in messages %}{{ m.content }} [SEP]{% endfor %}';
    const ids = [...tokenizer.encode('hello', { add_special_tokens: false }), tokenizer.sep_token_id];
    const { input_ids, attention_mask } = tokenizer.apply_chat_template(hello);
    expect([...input_ids.data]).toEqual(ids);
    expect(attention_mask.dims).toEqual([1, ids.length]);
    expect(tokenizer.apply_chat_template(hello, { return_dict: false }).dims).toEqual([1, ids.length]);
    expect(tokenizer.apply_chat_template(hello, { return_tensor: false })).toMatchObject({ input_ids: ids });
    const two = tokenizer.apply_chat_template([hello, [...hello, ...hello]], { padding: true });
    expect(two.input_ids.dims).toEqual([2, 2 * ids.length]);
    expect(tokenizer.apply_chat_template([hello, hello], { tokenize: false })).toEqual(['hello [SEP]', 'hello [SEP]']);
  });

  it('has the template that is named, of several', () => {
    tokenizer.chat_template = { default: 'one {{ messages[0].content }}', tool_use: 'two', rag: 'three' };
    const written = (options: object) => tokenizer.apply_chat_template(hello, { tokenize: false, ...options });
    expect([written({}), written({ tools: [{}] }), written({ chat_template: 'rag' })]).toEqual(['one hello', 'two', 'three']);
  });

  it('has the templates of several files', async () => {
    const folder = fileURLToPath(new URL('../fixtures/bert-tiny/', import.meta.url));
    const read = (name: string) => readFileSync(folder + name);
    const files = {
      'tokenizer.json': read('tokenizer.json'),
      'tokenizer_config.json': read('tokenizer_config.json'),
      'chat_template.jinja': new TextEncoder().encode('one'),
      'additional_chat_templates/tool_use.jinja': new TextEncoder().encode('two'),
      'additional_chat_templates/rag.jinja': new TextEncoder().encode('three'),
    };
    const own = await AutoTokenizer.from_pretrained(files);
    expect(own.chat_template).toEqual({ default: 'one', tool_use: 'two', rag: 'three' });
    expect(own.apply_chat_template(hello, { tokenize: false, tools: [{}] })).toBe('two');
  });

  it('takes calls of functions and their results, dates and ranges', () => {
    const chat_template =
      '{% for m in messages %}{{ m.role }}:{% for c in m.tool_calls or [] %}{{ c.function.name }}({{ c.function.arguments | tojson }}){% endfor %}{{ m.content or "" }};{% endfor %}';
    const called = [
      ...hello,
      { role: 'assistant', content: null, tool_calls: [{ type: 'function', function: { name: 'sea', arguments: { of: 'Japan' } } }] },
      { role: 'tool', name: 'sea', content: 'deep' },
    ];
    expect(tokenizer.apply_chat_template(called, { chat_template, tokenize: false })).toBe(
      'user:hello;assistant:sea({"of": "Japan"});tool:deep;',
    );
    const written = (chat_template: string) => tokenizer.apply_chat_template(hello, { chat_template, tokenize: false });
    expect(written('{{ range(3) | list }}{{ range(5, 1, -2) | list }}')).toBe('[0, 1, 2][5, 3]');
    expect(written('{{ strftime_now("%Y%%%Q") }}')).toBe(`${new Date().getFullYear()}%%Q`);
  });

  it.each([
    ['that loops over nothing', '{% set a = range(9999) %}{% for b in a %}{% for c in a %}{% endfor %}{% endfor %}'],
    ['that loops over what a condition leaves', '{% set a = range(9999) %}{% for b in a %}{% for c in a if b %}{% endfor %}{% endfor %}'],
    ['that loops', '{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}x{% endfor %}{% endfor %}{% endfor %}'],
    ['that lists too much', '{% for a in range(10 ** 9) %}{% endfor %}{{ range(1000000000000) }}'],
    ['that doubles a text', '{% set n = namespace(s="xxxx") %}{% for a in range(99) %}{% set n.s = n.s ~ n.s %}{% endfor %}{{ n.s }}'],
    ['that calls itself', '{% macro f() %}{{ f() }}{{ f() }}{% endmacro %}{{ f() }}'],
  ])('is refused by a template %s, which is stopped', async (_, chat_template) => {
    const error = await failureOf(() => tokenizer.apply_chat_template(hello, { chat_template, tokenize: false }));
    expect(['FORMAT', 'ARGUMENT']).toContain(error.code);
    expect(error.culprit).toMatch(/chat_template|conversation/);
  });

  it.each([
    ['no template', undefined, hello, {}, 'ARGUMENT', /no chat template/],
    ['templates without a default', { a: 'x' }, hello, {}, 'ARGUMENT', /Name one of a/],
    ['a template that cannot be read', '{% for %}', hello, {}, 'FORMAT', /cannot be read/],
    [
      'an option that the template does not read',
      'x',
      hello,
      { add_generation_promt: true },
      'ARGUMENT',
      /no use for add_generation_promt/,
    ],
    ['a message without a role', 'x', [{ content: 'hello' }], {}, 'ARGUMENT', /message 0/],
    ['no message', 'x', [], {}, 'ARGUMENT', /no message/],
    ['no list', 'x', 'hello', {}, 'ARGUMENT', /conversation/],
    [
      'a beginning and a continuation',
      'x',
      hello,
      { add_generation_prompt: true, continue_final_message: true },
      'ARGUMENT',
      /Give one of both/,
    ],
  ])('is refused with %s', async (_, template, conversation, options, code, message) => {
    tokenizer.chat_template = template as never;
    const error = await failureOf(() => tokenizer.apply_chat_template(conversation as never, options as never));
    expect(error.code).toBe(code);
    expect(`${error.message} ${error.cure}`).toMatch(message);
  });
});
