/** Streams of events: what they say while nothing happens, and how they end. */
import OpenAI from 'openai';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Call } from '../../dist/server/call.js';
import { eventStream } from '../../dist/server/events.js';

// Time is the test's: on a busy machine an interval that is late skips a turn.
beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] }));
afterEach(() => void vi.useRealTimers());

const call = () => new Call(new Request('http://localhost/'), 60);
const silence = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

it('a stream that is silent says that it lives, in comments that clients pass over', async () => {
  const own = call();
  const answering = eventStream(
    own,
    async (send) => {
      await silence(60);
      send({ n: 1 });
      await silence(60);
      send('[DONE]');
    },
    10,
  );
  await vi.advanceTimersByTimeAsync(120);
  const response = await answering;
  const [shown, read] = (response.body as ReadableStream<Uint8Array>).tee();
  const text = await new Response(shown).text();
  expect(text).toMatch(/^(: [\w ]+\n\n)+data: \{"n":1\}\n\n(: [\w ]+\n\n)+data: \[DONE\]\n\n$/);
  const client = new OpenAI({ apiKey: 'none', baseURL: 'http://localhost', fetch: async () => new Response(read, response) });
  const stream = await client.chat.completions.create({ model: 'a', messages: [], stream: true });
  const events: unknown[] = [];
  for await (const event of stream) events.push(event);
  expect(events).toEqual([{ n: 1 }]);
});

it('a failure after a comment is the last event, one before has a status of its own', async () => {
  const late = call();
  const fails = async () => {
    await silence(40);
    throw new Error('secret');
  };
  const answering = eventStream(late, fails, 10);
  await vi.advanceTimersByTimeAsync(40);
  const text = await (await answering).text();
  expect(text.trim().split('\n\n').at(-1)).toMatch(/^data: \{"error":\{"message":"The server failed to answer"/);
  expect(late.status).toBe(500);
  const refused = expect(eventStream(call(), fails)).rejects.toThrow('secret');
  await vi.advanceTimersByTimeAsync(40);
  await refused;
});
