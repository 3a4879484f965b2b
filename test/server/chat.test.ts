/** Chat answers by OpenAI's client: each is what the pipeline writes alone, at once or as it comes, whoever else asks. */
import { createEngine, pipeline } from 'heed';
import { listen } from 'heed/server';
import OpenAI from 'openai';
import { afterAll, describe, expect, it } from 'vitest';
import { tinyWriter } from '../pipelines/tiny_writer.js';
import { clientOf, endless, gathered, post, serve } from './serving.js';

const engine = await createEngine({ threads: 1, deterministic: true });
const write = await pipeline('text-generation', tinyWriter, { engine });
const server = await serve();
const client = clientOf(server);
afterAll(async () => {
  await server.close();
  await engine.dispose();
});

const user = (content: string) => ({ role: 'user' as const, content });
/** What the model answers alone. */
async function alone(content: string, max_new_tokens: number): Promise<string> {
  const [first] = await write([user(content)], { max_new_tokens });
  return first?.generated_text.at(-1)?.content as string;
}
const greedy = { model: 'writer', temperature: 0, max_tokens: 12 };

describe('/v1/chat/completions', () => {
  it('answers as the pipeline does, and counts tokens', async () => {
    const answer = await client.chat.completions.create({ ...greedy, messages: [user('Hi')] });
    const text = await alone('Hi', 12);
    expect(answer.choices).toEqual([
      { index: 0, message: { role: 'assistant', content: text, refusal: null }, logprobs: null, finish_reason: 'length' },
    ]);
    expect(answer.usage).toEqual({ prompt_tokens: 'u:Hi a:'.length, completion_tokens: 12, total_tokens: 19 });
    expect(answer).toMatchObject({ object: 'chat.completion', model: 'writer', id: expect.stringMatching(/^chatcmpl_/) });
    expect(server.log.at(-1)).toMatchObject({
      path: '/v1/chat/completions',
      status: 200,
      model: 'writer',
      prompt_tokens: 7,
      completion_tokens: 12,
    });
    expect(JSON.stringify(server.log)).not.toContain('Hi');
  });

  it('streams the same text, and the counts where they are asked for', async () => {
    const stream = await client.chat.completions.create({
      ...greedy,
      messages: [user('Hi')],
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks = await gathered(stream);
    expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe(await alone('Hi', 12));
    expect(chunks[0]?.choices[0]?.delta.role).toBe('assistant');
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe('length');
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { prompt_tokens: 7, completion_tokens: 12 } });
  });

  it('gives requests that come at once what each gets alone', async () => {
    const texts = ['Hi', 'a', 'A longer question than the others.', 'Hi', '?!'];
    const sizes = [12, 3, 20, 7, 16];
    const answers = await Promise.all(
      texts.map((content, i) => client.chat.completions.create({ ...greedy, max_tokens: sizes[i] as number, messages: [user(content)] })),
    );
    for (const [i, { choices }] of answers.entries())
      expect(choices[0]?.message.content).toBe(await alone(texts[i] as string, sizes[i] as number));
  });

  it('draws the same texts by the same seed, and n different ones', async () => {
    const asked = { ...greedy, temperature: 1, seed: 3, n: 3, messages: [user('Hi')] };
    const texts = async () => (await client.chat.completions.create(asked)).choices.map(({ message }) => message.content);
    const first = await texts();
    expect(new Set(first).size).toBe(3);
    expect(await texts()).toEqual(first);
    const chunks = await gathered(await client.chat.completions.create({ ...asked, stream: true }));
    const streamed = ['', '', ''];
    for (const { choices } of chunks) for (const { index, delta } of choices) streamed[index] += delta.content ?? '';
    expect(streamed).toEqual(first);
  });

  it('ends at a stop string, which it leaves out', async () => {
    const whole = await alone('Hi', 12);
    const stop = whole.slice(4, 6);
    const { choices } = await client.chat.completions.create({ ...greedy, stop: [stop], messages: [user('Hi')] });
    expect(choices[0]?.message.content).toBe(whole.slice(0, whole.indexOf(stop)));
    expect(choices[0]?.finish_reason).toBe('stop');
  });

  it('tells log-probabilities, of a stream token by token', async () => {
    const asked = { ...greedy, max_tokens: 5, logprobs: true, top_logprobs: 2, messages: [user('Hi')] };
    const { choices } = await client.chat.completions.create(asked);
    const content = choices[0]?.logprobs?.content ?? [];
    expect(content.map(({ token }) => token).join('')).toBe(choices[0]?.message.content);
    for (const { token, logprob, bytes, top_logprobs } of content) {
      expect(bytes).toEqual([...new TextEncoder().encode(token)]);
      expect(logprob).toBeLessThan(0);
      expect(top_logprobs).toHaveLength(2);
      expect(top_logprobs[0]).toEqual({ token, logprob, bytes });
    }
    const chunks = await gathered(await client.chat.completions.create({ ...asked, stream: true }));
    expect(chunks.flatMap(({ choices }) => choices[0]?.logprobs?.content ?? [])).toEqual(content);
  });

  it('frees the place of a client that leaves, whose request ends within a token', async () => {
    const asked = { ...endless, model: 'long', messages: [user('Hi')], stream: true as const };
    for await (const _ of await client.chat.completions.create(asked)) break;
    await expect.poll(() => server.log.at(-1)).toMatchObject({ status: 499 });
    expect(server.log.at(-1)?.completion_tokens ?? 0).toBeLessThan(endless.max_tokens);
    const { choices } = await client.chat.completions.create({ ...greedy, messages: [user('Hi')] });
    expect(choices[0]?.message.content).toBe(await alone('Hi', 12));
  });

  it('refuses by name what it does not have, and says what is wrong with the rest', async () => {
    const messages = [user('Hi')];
    const refused = async (body: object) => {
      const response = await post(server, '/v1/chat/completions', body);
      return [response.status, ((await response.json()) as { error: object }).error];
    };
    expect(await refused({ ...greedy, messages, wings: 2 })).toEqual([
      400,
      { message: 'Unknown parameter: wings', type: 'invalid_request_error', param: 'wings', code: 'unknown_parameter' },
    ]);
    expect(await refused({ ...greedy, messages: [{ ...user('Hi'), colour: 1 }] })).toMatchObject([400, { param: 'messages.0.colour' }]);
    expect(await refused({ ...greedy, messages, temperature: 3 })).toMatchObject([400, { param: 'temperature', code: 'invalid_value' }]);
    expect(await refused({ ...greedy, messages, max_tokens: 100_000 })).toMatchObject([
      400,
      { param: 'max_tokens', code: 'context_length_exceeded' },
    ]);
    expect(await refused({ ...greedy, model: '../writer', messages })).toMatchObject([404, { code: 'model_not_found' }]);
    expect(await refused({ ...greedy, model: 'encoder', messages })).toMatchObject([400, { param: 'model' }]);
    expect(await refused({ ...greedy, messages, stream: true, max_tokens: 100_000 })).toMatchObject([400, { param: 'max_tokens' }]);
  });
});

describe('listen', () => {
  it('serves at a port, where a client that hangs up frees its place', async () => {
    const own = await serve();
    const { url, close } = await listen(own, { port: 0 });
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    const client = new OpenAI({ apiKey: 'none', baseURL: `${url}/v1`, maxRetries: 0 });
    const { choices } = await client.chat.completions.create({ ...greedy, messages: [user('Hi')] });
    expect(choices[0]?.message.content).toBe(await alone('Hi', 12));
    const stop = new AbortController();
    const asked = { ...endless, model: 'long', messages: [user('Hi')], stream: true as const };
    const stream = await client.chat.completions.create(asked, { signal: stop.signal });
    for await (const _ of stream) break;
    stop.abort();
    await expect.poll(() => own.log.at(-1)).toMatchObject({ status: 499 });
    await close();
    await expect(fetch(`${url}/health`)).rejects.toThrow();
  });
});
