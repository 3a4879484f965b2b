/** The server's `fetch` behind `Deno.serve` and `Bun.serve`: what it answers in Node, streams, and a place that is free when a client hangs up. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { binaryOf } from '../../scripts/runtimes.mjs';
import { bertTiny, endless, longWriter, serve } from './serving.js';

const main = fileURLToPath(new URL('native-main.mjs', import.meta.url));
const writer = mkdtempSync(join(tmpdir(), 'heed-'));
for (const [name, bytes] of Object.entries(longWriter)) writeFileSync(join(writer, name), bytes);
afterAll(() => rmSync(writer, { recursive: true }));

type Fetch = (request: Request) => Promise<Response>;
const ask = (send: Fetch, url: string, path: string, body: object, signal?: AbortSignal) =>
  send(
    new Request(`${url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: signal ?? null,
    }),
  );
const chat = { model: 'chat', temperature: 0, max_tokens: 20, messages: [{ role: 'user', content: 'Hello there' }] };

/** Vectors, an answer, and the same answer as it is streamed. */
async function answersOf(send: Fetch, url: string) {
  const json = async (path: string, body: object) => (await ask(send, url, path, body)).json();
  const { data } = await json('/v1/embeddings', { model: 'embed', input: ['a cat', 'two dogs'] });
  const { choices } = await json('/v1/chat/completions', chat);
  const events = (await (await ask(send, url, '/v1/chat/completions', { ...chat, stream: true })).text()).split('\n\n');
  const streamed = events.slice(0, -2).map((event) => JSON.parse(event.replace('data: ', '')).choices[0]?.delta.content ?? '');
  expect([events.at(-2), streamed.join('')]).toEqual(['data: [DONE]', choices[0].message.content]);
  const missing = await ask(send, url, '/v1/embeddings', { model: 'nothing', input: 'a' });
  return { data, choices, missing: [missing.status, await missing.json()] };
}

describe.each([
  ['Deno', [binaryOf('deno'), 'run', '--allow-all', '--quiet']],
  ['Bun', [binaryOf('bun'), 'run']],
] as const)('the server behind that of %s', (name, [binary, ...flags]) => {
  const missing = binary ? undefined : `${name} is not here; \`node scripts/runtimes.mjs\` installs it`;
  it.skipIf(missing && !process.env.HEED_REQUIRE_RUNTIMES)(
    'answers as it does here',
    async () => {
      if (!binary) throw new Error(missing);
      const child = spawn(binary, [...flags, main, bertTiny, writer], { timeout: 60_000, stdio: ['pipe', 'pipe', 'inherit'] });
      const ended = once(child, 'exit');
      const [url] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
      const here = await serve({ models: { embed: bertTiny, chat: { source: longWriter } } });
      expect(await answersOf(fetch, url)).toEqual(await answersOf((request) => here.fetch(request), 'http://localhost'));
      const stop = new AbortController();
      const answer = await ask(fetch, url, '/v1/chat/completions', { ...chat, ...endless, stream: true }, stop.signal);
      await answer.body?.getReader().read();
      const other = () => ask(fetch, url, '/v1/chat/completions', chat).then(({ status }) => status);
      expect(await other()).toBe(429);
      stop.abort();
      await expect.poll(other).toBe(200);
      child.stdin.end();
      expect(await ended).toEqual([0, null]);
      await here.close();
    },
    90_000,
  );
});
