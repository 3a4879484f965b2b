/** Names by which a server may be asked for: a page whose name was made to point here is refused. */
import { request } from 'node:http';
import { listen } from 'heed/server';
import { afterAll, describe, expect, it } from 'vitest';
import { hostCheck, isLoopback } from '../../dist/server/hosts.js';
import { bertTiny, serve } from './serving.js';

describe('a server of this machine alone', () => {
  const isAllowed = hostCheck('127.0.0.1', ['Box.Example']);

  it.each([undefined, 'localhost', 'LOCALHOST:8080', 'app.localhost:1', '127.0.0.1:8080', '192.168.0.2', '[::1]:8080', 'box.example:80'])(
    'is asked for as %s',
    (host) => expect(isAllowed(host)).toBe(true),
  );

  it.each(['', 'evil.example', 'evil.example:8080', 'localhost.evil.example', '127.0.0.1.evil.example', 'notlocalhost', 'a.box.example'])(
    'is not asked for as "%s"',
    (host) => expect(isAllowed(host)).toBe(false),
  );
});

it('another server has whatever name it is given, or those of a list', () => {
  expect(hostCheck('0.0.0.0', [])('any.example')).toBe(true);
  expect(hostCheck('127.0.0.1', ['*'])('any.example')).toBe(true);
  expect(hostCheck('0.0.0.0', ['own.example'])('any.example')).toBe(false);
  expect(['127.0.0.1', '127.1.2.3', 'localhost', '::1'].every(isLoopback)).toBe(true);
  expect(['0.0.0.0', '::', '10.0.0.1', 'example.com'].some(isLoopback)).toBe(false);
});

describe('listen', () => {
  const started = serve({ models: { encoder: bertTiny }, page: true });
  afterAll(async () => (await started).close());

  /** Status of a path for a host. */
  const statusOf = (port: number, host: string, path = '/v1/models') =>
    new Promise<number | undefined>((resolve, reject) => {
      request({ port, path, host: '127.0.0.1', headers: { host, connection: 'close' } }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      })
        .on('error', reject)
        .end();
    });

  it('refuses other names with 403, on every path, and takes those that it is given', async () => {
    const server = await started;
    const { port, close } = await listen({ ...server, close: async () => {} }, { port: 0, allowedHosts: 'own.example' });
    for (const path of ['/', '/health', '/v1/models', '/nothing']) expect(await statusOf(port, `evil.example:${port}`, path)).toBe(403);
    for (const host of [`localhost:${port}`, `127.0.0.1:${port}`, 'own.example']) expect(await statusOf(port, host)).toBe(200);
    await close();
    await expect(listen(server, { port: 0, allowedHosts: [''] })).rejects.toMatchObject({ code: 'ARGUMENT', culprit: 'allowedHosts' });
  });
});
