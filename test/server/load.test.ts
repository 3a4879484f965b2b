/** Four times as many clients as places, some of which leave: no answer is lost or another's, each is what it is alone, and no memory is left behind. */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createServer } from '../../dist/entry/server.js';
import { nodeRuntime } from '../../dist/runtime/node.js';
import type { WorkerHandle } from '../../dist/runtime/types.js';
import { smollm2 } from '../smollm2.js';
import { amount, thorough } from '../thorough.js';
import { clientOf, endless, longWriter, metricOf, post, serve } from './serving.js';

const PLACES = 8;

it('answers all that wait for an answer, each as alone, and keeps nothing', async () => {
  const server = await serve({ models: { long: { source: longWriter } }, maxBatch: PLACES, maxQueue: 8 * PLACES });
  const client = clientOf(server);
  const kinds = Array.from({ length: 13 }, (_, i) => ({
    messages: [{ role: 'user' as const, content: 'An instruction that all have in common. '.repeat(i % 4) + 'x'.repeat(1 + 5 * i) }],
    ...{ model: 'long', max_tokens: 3 + 4 * (i % 5), n: 1 + Number(i % 6 === 5) },
    ...(i % 3 === 0 ? { temperature: 1, seed: i } : { temperature: 0 }),
  }));
  const ask = async (kind: (typeof kinds)[0], signal?: AbortSignal) => {
    const { choices } = await client.chat.completions.create(kind, signal ? { signal } : {});
    return choices.map(({ message }) => message.content);
  };
  const alone: unknown[] = [];
  for (const kind of kinds) alone.push(await ask(kind));
  const used = () => metricOf(server, 'heed_memory_used_bytes');
  const before = await used();
  const counts = { answered: 0, left: 0 };
  const wrong: unknown[] = [];
  const total = amount(1500, 150);
  let next = 0;
  const one = async () => {
    for (let number = next++; number < total; number = next++) {
      const kind = kinds[number % kinds.length] as (typeof kinds)[0];
      const leaves = number % 7 === 3;
      try {
        const answer = await ask(kind, leaves ? AbortSignal.timeout(number % 40) : undefined);
        counts.answered++;
        if (JSON.stringify(answer) !== JSON.stringify(alone[number % kinds.length])) wrong.push([number, answer]);
      } catch (error) {
        if (leaves) counts.left++;
        else wrong.push([number, error]);
      }
    }
  };
  await Promise.all(Array.from({ length: 4 * PLACES }, one));
  expect(wrong).toEqual([]);
  expect(counts.answered + counts.left).toBe(total);
  expect(counts.left).toBeGreaterThan(0);
  // Who left has no place; the last texts are kept, and are the same again once each was asked.
  for (const kind of kinds) await ask(kind);
  expect(await metricOf(server, 'heed_places_taken{model="long"}')).toBe(0);
  expect(await metricOf(server, 'heed_requests_waiting{model="long"}')).toBe(0);
  expect(await used()).toBeLessThan(1.5 * before);
  expect(await post(server, '/v1/chat/completions', kinds[1])).toMatchObject({ status: 200 });
  await server.close();
}, 120_000);

afterEach(() => vi.restoreAllMocks());

it('ends requests with 503 where a thread dies at work, answers the next by a new engine, and has the memory back', async () => {
  const start = vi.spyOn(nodeRuntime, 'startWorker');
  const threads = () => start.mock.results.map(({ value }) => value as WorkerHandle);
  // All launches are the threads' work, too; a part that a dead one holds is waited for as long as `deadline`, and one that lives may be without a core for a while.
  const engine = { threads: 2, inlineBelow: 0, deterministic: true, deadline: 2000 };
  const server = await createServer({ models: { long: { source: longWriter } }, engine });
  const used = () => metricOf(server as never, 'heed_memory_used_bytes');
  const body = { model: 'long', messages: [{ role: 'user', content: 'Say.' }], temperature: 0 };
  const answer = async () => {
    const response = await post(server as never, '/v1/chat/completions', { ...body, max_tokens: 12 });
    return [response.status, (await response.json()).choices?.[0].message.content];
  };
  const alone = await answer();
  expect(alone[0]).toBe(200);
  const before = await used();
  const streamed = await post(server as never, '/v1/chat/completions', { ...body, ...endless, stream: true });
  const whole = post(server as never, '/v1/chat/completions', { ...body, ...endless });
  const reader = (streamed.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream() as never).getReader();
  let text = String((await reader.read()).value);
  const [thread] = threads();
  expect(threads()).toHaveLength(1);
  thread?.terminate();
  for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value;
  expect(text).toMatch(/"error":\{"message":"The engine was lost/);
  expect(text).not.toContain('[DONE]');
  const refused = await whole;
  expect([refused.status, (await refused.json()).error.message]).toEqual([503, expect.stringMatching(/engine was lost/)]);
  await thread?.ended;
  expect(await answer()).toEqual(alone);
  expect(threads()).toHaveLength(2);
  expect(await used()).toBeLessThanOrEqual(before);
  await server.close();
}, 60_000);

/** Milliseconds after which a script hangs. With a little other work beside, on two cores, it takes up to a minute; it grows with that work. */
const LONGEST = 300_000;

describe('scripts/load.mjs', () => {
  const script = fileURLToPath(new URL('../../scripts/load.mjs', import.meta.url));
  const load = async (...options: string[]) => {
    const { stdout } = await promisify(execFile)(process.execPath, [script, '--seconds', '0', ...options], { timeout: LONGEST - 10_000 });
    return stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
  };

  it(
    'loses and mixes nothing, and finds memory flat, at four times of what a server has room for',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'heed-'));
      for (const [name, bytes] of Object.entries(longWriter)) writeFileSync(join(folder, name), bytes);
      const requests = amount(1000, 200);
      const [, flat, overload] = await load(
        '--model',
        folder,
        '--requests',
        String(requests),
        '--overload',
        String(amount(6, 2)),
        '--kills',
        '0',
      );
      expect(flat).toMatchObject({ asked: requests, lost: 0, mixed: 0 });
      expect(flat.answered + flat['hung up']).toBe(requests);
      expect(overload).toMatchObject({ lost: 0, mixed: 0 });
      expect(overload['refused and asked again']).toBeGreaterThan(0);
      expect(overload.answered + overload['hung up']).toBe(overload.asked);
      rmSync(folder, { recursive: true });
    },
    LONGEST,
  );

  it.skipIf(!thorough || !existsSync(smollm2))(
    'kills a thread of a server of SmolLM2, whose next answers are right',
    async () => {
      const [, killed] = await load('--model', smollm2, '--requests', '0', '--overload', '0', '--kills', '1');
      expect(killed).toMatchObject({ 'wrong afterwards': 0 });
      expect(killed['requests ended with 503']).toBeGreaterThan(0);
    },
    LONGEST,
  );
});
