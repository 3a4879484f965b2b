/** `heed serve`: a process that answers at a port, in every runtime with the same bits; its log, its end, and command lines that it refuses. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, describe, expect, it } from 'vitest';
import { binaryOf } from '../../scripts/runtimes.mjs';
import { tinyPath } from '../models/files.js';
import { endless, longWriter } from '../server/serving.js';
import { someOf } from '../thorough.js';
import { heed, run } from './command.js';

const writer = mkdtempSync(join(tmpdir(), 'heed-'));
for (const [name, bytes] of Object.entries(longWriter)) writeFileSync(join(writer, name), bytes);
afterAll(() => rmSync(writer, { recursive: true }));

/** A server that runs, what it logs, and its end. */
async function started([binary = '', ...flags]: readonly (string | undefined)[], more: readonly string[] = []) {
  const models = ['--model', `chat=${writer}`, '--model', `embed=${tinyPath}`];
  const args = [...(flags as string[]), heed, 'serve', ...models, '--port', '0', '--threads', '1', '--deterministic', ...more];
  const child = spawn(binary, args, { timeout: 60_000 });
  let log = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    log += text;
  });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  const told: string[] = [];
  for await (const line of createInterface({ input: child.stderr })) {
    told.push(line);
    const url = / at (http:[^\s,]+)\/v1\b/.exec(line)?.[1];
    if (!url) continue;
    child.stderr.on('data', () => {});
    const lines = () =>
      log
        .split('\n')
        .slice(0, -1)
        .map((text) => JSON.parse(text));
    return { url, told, lines, ended, stop: () => child.kill('SIGTERM') };
  }
  throw new Error(told.join('\n'));
}

const post = (url: string, path: string, body: object, signal?: AbortSignal) =>
  fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: signal ?? null,
  });
const chat = { model: 'chat', temperature: 0, max_tokens: 20, messages: [{ role: 'user', content: 'Hello there' }] };

/** What a server of a runtime answers, until it is told to end. */
async function answersOf(command: readonly (string | undefined)[]) {
  const server = await started(command);
  const { url } = server;
  const said = await (await post(url, '/v1/chat/completions', chat)).json();
  const { data } = await (await post(url, '/v1/embeddings', { model: 'embed', input: 'a cat' })).json();
  const stop = new AbortController();
  const stream = await post(url, '/v1/chat/completions', { ...chat, ...endless, stream: true }, stop.signal);
  await stream.body?.getReader().read();
  stop.abort();
  await expect.poll(() => server.lines().at(-1), { timeout: 10_000 }).toMatchObject({ status: 499, model: 'chat' });
  // A request that runs, as its first piece shows, is answered before the end.
  const streaming = { stream: true, stream_options: { include_usage: true } };
  const last = await post(url, '/v1/chat/completions', { ...chat, ...endless, ...streaming, max_tokens: 2000 });
  let events = '';
  for await (const piece of last.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    if (!events) server.stop();
    events += piece;
  }
  expect(events).toMatch(/"completion_tokens":2000\b.*\n\ndata: \[DONE\]\n\n$/);
  expect(await server.ended).toBe(0);
  return { said: said.choices, data, lines: server.lines() };
}

describe('heed serve', () => {
  it('answers until it is told to end, and logs a line for each request without its texts', async () => {
    const { lines } = await answersOf([process.execPath]);
    const named = lines.filter(({ model }) => model);
    expect(named.map(({ path, status }) => [path, status])).toEqual([
      ['/v1/chat/completions', 200],
      ['/v1/embeddings', 200],
      ['/v1/chat/completions', 499],
      ['/v1/chat/completions', 200],
    ]);
    expect(named[0]).toMatchObject({ method: 'POST', model: 'chat', prompt_tokens: 16, completion_tokens: 20 });
    expect(JSON.stringify(lines)).not.toContain('Hello there');
  }, 60_000);

  it.each(
    someOf(
      Object.entries({
        'Node 22': [binaryOf('node22')],
        'Node 24': [binaryOf('node24')],
        Deno: [binaryOf('deno'), 'run', '--allow-all', '--quiet'],
        Bun: [binaryOf('bun'), 'run'],
      }),
    ),
  )(
    'answers the same under %s',
    async (name, command) => {
      if (!command[0] && process.env.HEED_REQUIRE_RUNTIMES) throw new Error(`${name} is not here`);
      if (!command[0]) return;
      const [here, there] = [await answersOf([process.execPath]), await answersOf(command)];
      expect([there.said, there.data]).toEqual([here.said, here.data]);
    },
    120_000,
  ); // two servers, one after the other

  it('asks for its key, has bodies in its log, and another name, where it is told so', async () => {
    const server = await started([process.execPath], ['--api-key', 'secret', '--log-texts', '--allowed-host', 'own.example']);
    expect((await post(server.url, '/v1/chat/completions', chat)).status).toBe(401);
    const headers = { 'content-type': 'application/json', authorization: 'Bearer secret' };
    const body = JSON.stringify(chat);
    expect((await fetch(`${server.url}/v1/chat/completions`, { method: 'POST', headers, body })).status).toBe(200);
    const statusOf = (host: string) =>
      new Promise((resolve) => get(`${server.url}/health`, { headers: { host } }, ({ statusCode }) => resolve(statusCode)));
    expect([await statusOf('own.example'), await statusOf('other.example')]).toEqual([200, 403]);
    server.stop();
    await server.ended;
    expect(server.lines().findLast(({ model }) => model)).toMatchObject({ request: chat });
    expect(JSON.stringify(server.lines())).not.toContain('secret');
  });

  it.each([
    [[], 2, '--model'],
    [['--model', 'a', '--port', '70000'], 2, '65535'],
    [['--model', 'a', '--max-memory', '2 parsecs'], 2, '2GiB'],
    [['--model', tinyPath, '--model', tinyPath], 1, 'Two models are called bert-tiny'],
    [['--model', '/nowhere/at/all'], 1, '/nowhere/at/all'],
    [['--model', tinyPath, '--max-memory', '1'], 1, 'memory.maximum'],
  ])('refuses %j', async (args, code, told) => {
    const done = await run(['serve', ...args]);
    expect(done).toMatchObject({ code, stdout: '' });
    expect(done.stderr).toContain(told);
  });

  it('says that a port is taken', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as { port: number };
    const done = await run(['serve', '--model', tinyPath, '--port', String(port)]);
    expect(done).toMatchObject({ code: 1, stderr: expect.stringContaining(`127.0.0.1:${port} cannot be had`) });
    other.close();
  });
});
