/** Bytes on the wire that are no good request. Each has its status, and the next request is answered. */
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { listen } from 'heed/server';
import { afterAll, expect, it } from 'vitest';
import { many, post, refusalOf, serve, toolWriter } from './serving.js';

const server = await serve({ models: { writer: { source: toolWriter } } });
const { port, close } = await listen(server, { port: 0 });
afterAll(() => close());
const chats = '/v1/chat/completions';
const chat = { model: 'writer', temperature: 0, max_tokens: 3, messages: [{ role: 'user', content: 'Hi' }] };

/** What comes back for bytes on the wire, until the connection ends. */
const wired = (...chunks: readonly (string | Uint8Array)[]) =>
  new Promise<string>((resolve) => {
    let text = '';
    const socket = connect(port, '127.0.0.1', () => {
      for (const chunk of chunks) socket.write(chunk);
    });
    socket.setEncoding('latin1').on('data', (data) => {
      text += data;
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(text));
  });
const asked = (first: string, headers: readonly string[] = [], body = '') =>
  `${first}\r\nHost: localhost\r\nConnection: close\r\n${headers.map((header) => `${header}\r\n`).join('')}\r\n${body}`;
const json = 'Content-Type: application/json';
const sent = JSON.stringify(chat);
const length = `Content-Length: ${sent.length}`;
const posts = `POST ${chats} HTTP/1.1`;

it.each<readonly [string, string, number]>([
  ['a good request', asked(posts, [json, length], sent), 200],
  ['an address of another host', asked('GET //evil.example/v1/models HTTP/1.1'), 404],
  ['a path that climbs', asked('GET /v1/models/..%2f..%2f..%2fetc%2fpasswd HTTP/1.1'), 404],
  ['a path that climbs by backslashes', asked('GET /page/..\\..\\package.json HTTP/1.1'), 404],
  ['a run that climbs', asked('GET /runs/..%2f..%2fetc HTTP/1.1'), 404],
  ['a path that cannot be decoded', asked('GET /v1/models/%E0%A4%A HTTP/1.1'), 404],
  ['a null in a path', asked('GET /v1/models/%00 HTTP/1.1'), 404],
  ['a line end in a path', asked('GET /v1/models/a%0d%0aset-cookie:%20a HTTP/1.1'), 404],
  ['a long path', asked(`GET /${'a'.repeat(20_000)} HTTP/1.1`), 431],
  ['a long header', asked('GET /health HTTP/1.1', [`a: ${'b'.repeat(100_000)}`]), 431],
  [
    'thousands of headers',
    asked(
      'GET /health HTTP/1.1',
      many(3000).map((i) => `a${i}: b`),
    ),
    431,
  ],
  ['two lengths', asked(posts, [json, length, `Content-Length: ${sent.length + 1}`], sent), 400],
  ['a length and chunks', asked(posts, [json, 'Content-Length: 4', 'Transfer-Encoding: chunked'], '5\r\n{"a":\r\n0\r\n\r\n'), 400],
  ['a chunk that is none', asked(posts, [json, 'Transfer-Encoding: chunked'], 'zz\r\n{}\r\n0\r\n\r\n'), 400],
  ['a length below zero', asked(posts, [json, 'Content-Length: -4'], sent), 400],
  ['a length beyond all', asked(posts, [json, 'Content-Length: 99999999999999']), 413],
  ['a large body that waits to be allowed', asked(posts, [json, 'Expect: 100-continue', 'Content-Length: 999999999']), 413],
  ['a miracle', asked(posts, [json, length, 'Expect: a miracle'], sent), 417],
  ['a compressed body', asked(posts, [json, length, 'Content-Encoding: gzip'], sent), 415],
  ['no host', 'GET /health HTTP/1.1\r\n\r\n', 400],
  ['a null in a header', asked('GET /health HTTP/1.1', ['a: b\0c']), 400],
  ['a space in a header', asked('GET /health HTTP/1.1', ['a b: c']), 400],
  ['a method that there is not', asked('BREW /health HTTP/1.1'), 400],
  ['a method that tells', asked('TRACE /health HTTP/1.1'), 400],
  ['another method', asked(`PROPFIND ${chats} HTTP/1.1`), 405],
  ['another protocol', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
  ['no protocol', '\x16\x03\x01\x02\x00\x01', 400],
])('%s on the wire has its status', async (_, request, status) => {
  const statuses = (await wired(request)).match(/^HTTP\/1\.1 \d{3}/gm)?.filter((line) => !line.endsWith(' 100'));
  expect(statuses).toEqual([`HTTP/1.1 ${status}`]);
  expect((await post(server, chats, chat)).status).toBe(200);
});

it('a compressed body is refused by its encoding', async () => {
  const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
  const answer = await server.fetch(new Request(`http://localhost${chats}`, { method: 'POST', headers, body: gzipSync(sent) }));
  expect(answer.headers.get('accept-encoding')).toBe('identity');
  expect(await refusalOf(answer)).toMatchObject({ status: 415, message: expect.stringContaining('gzip') });
});

it('bytes that come slowly have 408 at their deadline, in headers and in a body', async () => {
  const own = await serve({ models: { writer: { source: toolWriter } }, timeout: 0.5 });
  const slow = await listen(own, { port: 0, timeout: 0.5 });
  const statusOf = (begin: string) =>
    new Promise<string>((resolve) => {
      const socket = connect(slow.port, '127.0.0.1', () => socket.write(begin));
      // A byte now and then keeps nothing alive.
      const timer = setInterval(() => socket.write(' '), 50);
      socket.setEncoding('latin1').once('data', (data) => resolve((data as unknown as string).slice(0, 12)));
      socket.on('error', () => {});
      socket.on('close', () => clearInterval(timer));
    });
  const body = `${posts}\r\nHost: localhost\r\n${json}\r\n`;
  expect(
    await Promise.all([statusOf('GET /health HTTP/1.1\r\nHost: localhost\r\na: '), statusOf(`${body}Content-Length: 1000\r\n\r\n`)]),
  ).toEqual(Array(2).fill('HTTP/1.1 408'));
  await slow.close();
});
