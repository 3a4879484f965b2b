/** The AI SDK against the server: texts, streams, objects, tools, embeddings. */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { embedMany, generateObject, generateText, jsonSchema, streamText, tool } from 'ai';
import { afterAll, expect, it } from 'vitest';
import { bertTiny, clientOf, longWriter, serve, toolWriter } from './serving.js';

const server = await serve({ models: { writer: { source: longWriter }, caller: { source: toolWriter }, encoder: bertTiny } });
const client = clientOf(server);
const provider = createOpenAICompatible({
  name: 'heed',
  baseURL: 'http://localhost/v1',
  supportsStructuredOutputs: true,
  fetch: async (input, init) => server.fetch(new Request(input as string, init as RequestInit)),
});
afterAll(() => server.close());

const asked = { model: provider('writer'), prompt: 'Hi', maxOutputTokens: 12, temperature: 0, maxRetries: 0 };
const city = jsonSchema<{ city: string }>({
  ...{ type: 'object', properties: { city: { type: 'string', enum: ['Bern', 'Rome'] } } },
  ...{ required: ['city'], additionalProperties: false },
});

it('writes and streams what the OpenAI client gets', async () => {
  const messages = [{ role: 'user' as const, content: 'Hi' }];
  const answer = await client.chat.completions.create({ model: 'writer', messages, max_tokens: 12, temperature: 0 });
  const text = answer.choices[0]?.message.content;
  const whole = await generateText(asked);
  expect(whole.text).toBe(text);
  expect(whole.usage).toMatchObject({ inputTokens: 7, outputTokens: 12 });
  expect(whole.finishReason).toBe('length');
  let streamed = '';
  for await (const piece of streamText(asked).textStream) streamed += piece;
  expect(streamed).toBe(text);
});

it('makes objects that fit a schema', async () => {
  const { object } = await generateObject({ ...asked, maxOutputTokens: 100, schema: city });
  expect(['Bern', 'Rome']).toContain(object.city);
});

it('calls tools', async () => {
  const weather = tool({ description: 'Tells the weather', inputSchema: city, execute: async ({ city }) => `rain in ${city}` });
  const called = { ...asked, model: provider('caller'), maxOutputTokens: 200, tools: { weather }, toolChoice: 'required' as const };
  const { toolCalls, toolResults } = await generateText(called);
  expect(toolCalls).toMatchObject([{ toolName: 'weather' }]);
  expect(toolResults).toMatchObject([{ output: expect.stringMatching(/^rain in (Bern|Rome)$/) }]);
  const streamed: string[] = [];
  for await (const part of streamText(called).fullStream) if (part.type === 'tool-call') streamed.push(part.toolName);
  expect(streamed).toEqual(['weather']);
});

it('embeds texts', async () => {
  const values = ['a cat', 'a kitten'];
  const { embeddings, usage } = await embedMany({ model: provider.embeddingModel('encoder'), values, maxRetries: 0 });
  const { data } = await client.embeddings.create({ model: 'encoder', input: values, encoding_format: 'float' });
  expect(embeddings).toEqual(data.map(({ embedding }) => embedding));
  expect(usage.tokens).toBeGreaterThan(3);
});

it('tells errors by their messages', async () => {
  await expect(generateText({ ...asked, maxOutputTokens: 1e9 })).rejects.toThrow(/max_new_tokens asks for/);
});
