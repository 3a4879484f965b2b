/** What the server refuses, and when: keys, queues, deadlines, sizes, other origins, its end. Each refusal has a status and OpenAI's shape, and leaves the server as it was. */
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { listen } from 'heed/server';
import { afterAll, describe, expect, it } from 'vitest';
import { clientOf, endless, longWriter, metricOf, post, serve } from './serving.js';

const server = await serve();
afterAll(() => server.close());

const chat = { model: 'writer', temperature: 0, max_tokens: 3, messages: [{ role: 'user', content: 'Hi' }] };
const long = { ...endless, model: 'long', messages: chat.messages };
const path = '/v1/chat/completions';
const errorOf = async (response: Response) => {
  const { error } = (await response.json()) as { error: Record<string, unknown> };
  expect(Object.keys(error)).toEqual(['message', 'type', 'param', 'code']);
  return { status: response.status, ...error };
};

describe('a key', () => {
  it('is asked for on every path but /health, and compared as a whole', async () => {
    const own = await serve({ apiKey: ['first key', 'second'], models: { writer: { source: longWriter } } });
    const get = (path: string, authorization?: string) =>
      own.fetch(new Request(`http://localhost${path}`, authorization === undefined ? {} : { headers: { authorization } }));
    expect((await get('/health')).status).toBe(200);
    for (const wrong of [undefined, 'Bearer', 'Bearer first', 'Basic second', 'Bearer seconds'])
      expect(await errorOf(await get('/v1/models', wrong))).toMatchObject({
        status: 401,
        type: 'authentication_error',
        code: 'invalid_api_key',
      });
    for (const right of ['Bearer first key', 'Bearer second']) expect((await get('/v1/models', right)).status).toBe(200);
    expect((await get('/nothing')).status).toBe(401);
    await own.close();
  });
});

describe('a queue', () => {
  it('has a bound, beyond which requests are told when to come again; those that wait are answered', async () => {
    const own = await serve({ maxBatch: 1, maxQueue: 1 });
    const running = new AbortController();
    const first = clientOf(own).chat.completions.create(
      { ...long, messages: [{ role: 'user', content: 'Hi' }], stream: true },
      { signal: running.signal },
    );
    const stream = await first;
    const waiting = post(own, path, { ...chat, model: 'long' });
    await expect.poll(() => metricOf(own, 'heed_requests_waiting{model="long"}')).toBe(1);
    const refused = await post(own, path, { ...chat, model: 'long' });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(await errorOf(refused)).toMatchObject({ status: 429, code: 'queue_full' });
    // Another model has places of its own.
    expect((await post(own, path, chat)).status).toBe(200);
    stream.controller.abort();
    expect((await waiting).status).toBe(200);
    expect(await errorOf(await post(own, path, { ...chat, n: 2, temperature: 1 }))).toMatchObject({ status: 400, param: 'n' });
    await own.close();
  });
});

describe('a deadline', () => {
  it('ends an answer with 504, or a stream with an error as its last event, and the place is free', async () => {
    // Long enough for the last answer, which is in time.
    const own = await serve({ timeout: 2, maxBatch: 1 });
    expect(await errorOf(await post(own, path, long))).toMatchObject({ status: 504, code: 'timeout' });
    const streamed = await (await post(own, path, { ...long, stream: true })).text();
    expect(JSON.parse(streamed.trim().split('\n\n').at(-1)?.replace('data: ', '') as string)).toMatchObject({ error: { code: 'timeout' } });
    expect((await post(own, path, { ...chat, model: 'long' })).status).toBe(200);
    expect(own.log.map(({ status }) => status)).toEqual([504, 504, 200]);
    await own.close();
  });

  it('ends a body that does not come with 408', async () => {
    const own = await serve({ timeout: 0.3 });
    const { port, close } = await listen(own, { port: 0 });
    const status = await new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/json', 'content-length': 100 };
      const request = httpRequest({ port, host: '127.0.0.1', method: 'POST', path, headers }, ({ statusCode }) => resolve(statusCode));
      request.on('error', reject);
      request.write('{"model"');
    });
    expect(status).toBe(408);
    await close();
  });
});

const crowded = { type: 'object', properties: Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`a${i}`, { type: 'string' }])) };

describe('a body', () => {
  it.each([
    ['is no JSON', '{"model":', 400, 'invalid_json'],
    ['is nested deeply', `{"a":${'['.repeat(200_000)}`, 400, 'invalid_json'],
    ['is a list', '[]', 400, 'invalid_value'],
    ['is empty', '', 400, 'invalid_json'],
    ['is no UTF-8', '\ud800', 400, 'invalid_json'],
    ['asks for many texts', { ...chat, n: 1e9 }, 400, 'invalid_value'],
    ['has many stop strings', { ...chat, stop: Array(1e5).fill('a') }, 400, 'invalid_value'],
    ['has a long stop string', { ...chat, stop: 'a'.repeat(1e5) }, 400, 'invalid_value'],
    ['names a prototype', '{"model":"writer","messages":[{"role":"user","content":"a"}],"__proto__":{"n":2}}', 400, 'unknown_parameter'],
    ['has a strange bias', { ...chat, logit_bias: { x: 1 } }, 400, 'invalid_value'],
    ['biases a token that is none', { ...chat, logit_bias: { 5000: 1 } }, 400, null],
    ['asks the template for what it has not', { ...chat, chat_template_kwargs: { wings: 1 } }, 400, null],
    [
      'has a text that is too long',
      { ...chat, messages: [{ role: 'user', content: 'a'.repeat(100_000) }] },
      400,
      'context_length_exceeded',
    ],
    [
      'has a schema without end',
      { ...chat, response_format: { type: 'json_schema', json_schema: { name: 'a', schema: { $ref: '#' } } } },
      400,
      null,
    ],
    [
      'has a schema with many members',
      { ...chat, response_format: { type: 'json_schema', json_schema: { name: 'a', schema: crowded } } },
      400,
      null,
    ],
  ])('that %s is refused', async (_, body, status, code) => {
    const error = await errorOf(await post(server, path, body));
    expect(error).toMatchObject({ status, type: 'invalid_request_error', ...(code && { code }) });
    expect(JSON.stringify(error).length).toBeLessThan(1500);
    expect((await post(server, path, chat)).status).toBe(200);
  });

  it('of another type is refused, which pages of other origins may send', async () => {
    expect(await errorOf(await post(server, path, chat, { 'content-type': 'text/plain' }))).toMatchObject({ status: 415 });
  });

  it('that is larger than the limit is refused, before it has come, and so is one that does not say how large it is', async () => {
    const own = await serve({ bodyLimit: 1000 });
    expect(await errorOf(await post(own, path, { ...chat, user: 'a'.repeat(1000) }))).toMatchObject({ status: 413 });
    const { port, close } = await listen(own, { port: 0 });
    const answer = await new Promise<string>((resolve) => {
      let text = '';
      const socket = connect(port, '127.0.0.1', () => {
        socket.write(`POST ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`);
        socket.write(`1000\r\n${'a'.repeat(4096)}\r\n`);
      });
      socket.on('data', (data) => (text += data));
      socket.on('close', () => resolve(text));
      socket.on('error', () => resolve(text));
    });
    expect(answer).toMatch(/^HTTP\/1.1 413 /);
    expect(answer.toLowerCase()).toContain('connection: close');
    await close();
  });
});

describe('other paths and origins', () => {
  it.each([
    '/v1/../../etc/passwd',
    '/v1/models/%2e%2e%2f%2e%2e%2fetc%2fpasswd',
    '/v1/models/..%5c..',
    '//evil/x',
    '/v1/chat',
    '/%00',
    '/%ff',
  ])('GET %s finds nothing', async (path) => {
    const response = await server.fetch(new Request(`http://localhost${path}`));
    expect(await errorOf(response)).toMatchObject({ status: 404, type: 'not_found_error' });
  });

  it('says which origins may call, where some may', async () => {
    const own = await serve({ cors: 'https://page.example', apiKey: 'key' });
    const ask = (origin: string) =>
      own.fetch(
        new Request(`http://localhost${path}`, { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST' } }),
      );
    expect((await ask('https://page.example')).headers.get('access-control-allow-origin')).toBe('https://page.example');
    expect((await ask('https://other.example')).headers.get('access-control-allow-origin')).toBeNull();
    expect(
      (await server.fetch(new Request('http://localhost/health', { headers: { origin: 'https://a' } }))).headers.get(
        'access-control-allow-origin',
      ),
    ).toBeNull();
    await own.close();
  });
});

describe('the end of a server', () => {
  it('answers what runs, and refuses what comes', async () => {
    const own = await serve();
    const running = post(own, path, { ...long, max_tokens: 1000 });
    await expect.poll(() => metricOf(own, 'heed_places_taken{model="long"}'), { interval: 5 }).toBe(1);
    const closing = own.close();
    expect(await errorOf(await post(own, path, chat))).toMatchObject({ status: 503 });
    const answer = (await (await running).json()) as { usage: { completion_tokens: number } };
    expect(answer.usage.completion_tokens).toBe(1000);
    await closing;
  });

  it('does not wait for ever', async () => {
    const own = await serve();
    const running = post(own, path, long);
    await expect.poll(() => metricOf(own, 'heed_places_taken{model="long"}')).toBe(1);
    await own.close({ grace: 0.1 });
    expect(await errorOf(await running)).toMatchObject({ status: 503 });
  });
});
