/** Tools and forms of answers by OpenAI's client. */
import type OpenAI from 'openai';
import { afterAll, describe, expect, it } from 'vitest';
import { CallFilter } from '../../dist/chat/call_filter.js';
import { clientOf, gathered, serve, toolWriter } from './serving.js';

const server = await serve({ models: { caller: { source: toolWriter } } });
const client = clientOf(server);
afterAll(() => server.close());

const city = { type: 'object', properties: { city: { enum: ['Bern', 'Rome'] } }, required: ['city'], additionalProperties: false };
const tool = (name: string) => ({ type: 'function' as const, function: { name, description: 'Tells it', parameters: city } });
const user = (content: string) => ({ role: 'user' as const, content });
const asked = { model: 'caller', temperature: 0, max_tokens: 200, messages: [user('Hi')], tools: [tool('weather'), tool('time')] };

describe('tools', () => {
  it('are called where a call is asked for, at once or as a stream, by arguments that fit', async () => {
    const answer = await client.chat.completions.create({ ...asked, tool_choice: 'required' });
    const [choice] = answer.choices as [OpenAI.ChatCompletion.Choice];
    expect(choice).toMatchObject({ finish_reason: 'tool_calls', message: { role: 'assistant', content: null } });
    const calls = choice.message.tool_calls ?? [];
    expect(calls).toHaveLength(1);
    const [call] = calls as [OpenAI.ChatCompletionMessageFunctionToolCall];
    expect(call).toMatchObject({ id: 'call00000', type: 'function' });
    expect(['weather', 'time']).toContain(call.function.name);
    expect(['Bern', 'Rome']).toContain(JSON.parse(call.function.arguments).city);
    const chunks = await gathered(await client.chat.completions.create({ ...asked, tool_choice: 'required', stream: true }));
    const deltas = chunks.flatMap(({ choices }) => choices.map(({ delta }) => delta));
    expect(deltas.flatMap(({ tool_calls }) => tool_calls ?? [])).toEqual([{ index: 0, ...call }]);
    expect(deltas.map(({ content }) => content ?? '').join('')).toBe('');
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe('tool_calls');
  });

  it('are called by name, and answered in the next turn, whose calls have other ids', async () => {
    const tool_choice = { type: 'function' as const, function: { name: 'time' } };
    const first = await client.chat.completions.create({ ...asked, tool_choice });
    const { message } = first.choices[0] as OpenAI.ChatCompletion.Choice;
    expect(message.tool_calls).toMatchObject([{ function: { name: 'time' } }]);
    const result = { role: 'tool' as const, tool_call_id: 'call00000', content: 'noon' };
    const next = await client.chat.completions.create({ ...asked, messages: [user('Hi'), message, result], tool_choice });
    expect(next.choices[0]?.message.tool_calls).toMatchObject([{ id: 'call00001' }]);
    expect(next.usage?.prompt_tokens).toBe('T:weather T:time u:Hi a:<tool_call>[timeBern t:noon a:'.length);
  });

  it('are left to the model, or left out', async () => {
    const auto = await client.chat.completions.create({ ...asked, max_tokens: 8 });
    const none = await client.chat.completions.create({ ...asked, max_tokens: 8, tool_choice: 'none' });
    expect(auto.usage?.prompt_tokens).toBe('T:weather T:time u:Hi a:'.length);
    expect(none.usage?.prompt_tokens).toBe('u:Hi a:'.length);
    expect(auto.choices[0]?.message).toMatchObject({ content: expect.stringMatching(/./) });
    await expect(client.chat.completions.create({ ...asked, tools: [], tool_choice: 'required' })).rejects.toMatchObject({
      status: 400,
      param: 'tool_choice',
    });
    await expect(
      client.chat.completions.create({ ...asked, tool_choice: { type: 'function', function: { name: 'none such' } } }),
    ).rejects.toMatchObject({ status: 400, param: 'tool_choice' });
  });
});

describe('response_format', () => {
  it('gives JSON that fits a schema', async () => {
    const response_format = { type: 'json_schema' as const, json_schema: { name: 'place', schema: city, strict: true } };
    const { choices } = await client.chat.completions.create({ ...asked, tools: undefined as never, response_format });
    expect(['Bern', 'Rome']).toContain(JSON.parse(choices[0]?.message.content as string).city);
    expect(choices[0]?.finish_reason).toBe('stop');
  });

  it('is refused where the schema is none', async () => {
    const schema = { type: 'object', properties: { city: { $ref: '#/none' } } };
    const response_format = { type: 'json_schema' as const, json_schema: { name: 'place', schema } };
    await expect(client.chat.completions.create({ ...asked, response_format })).rejects.toMatchObject({ status: 400 });
  });
});

describe('a text with calls', () => {
  const call = '{"name": "time", "arguments": {}}';
  /** What is passed on of a text in pieces, and the calls at its end. */
  const filtered = (pieces: readonly string[]) => {
    const filter = new CallFilter('smollm2', [tool('time')], 0);
    const told = pieces.map((piece) => filter.push(piece));
    const { text, calls } = filter.end();
    return [told.join('|'), text, calls.map(({ function: called }) => called.name)];
  };

  it('is passed on up to the first call, however it is cut', () => {
    expect(filtered(['Well <b', 'old> <tool', `_call>[${call}]</tool_call>`])).toEqual(['Well <b|old> |', '', ['time']]);
    expect(filtered([`<tool_call>[${call}]</tool_call> done`])).toEqual(['', 'done', ['time']]);
  });

  it('is passed on whole where there is none, and where one is cut off', () => {
    expect(filtered(['a < b', ' and <tool'])).toEqual(['a < b| and ', '<tool', []]);
    expect(filtered(['<tool_call>[{"name": "ti'])).toEqual(['', '<tool_call>[{"name": "ti', []]);
    expect(filtered(['{"a": 1}'])).toEqual(['', '{"a": 1}', []]);
  });
});
