/** `heed serve` in a process of its own, on loopback, and what its clients ask and hear. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const heed = join(import.meta.dirname, '../../dist/bin/heed.js');

/** Starts a server; the port is one that is free. @param {readonly string[]} models @param {readonly string[]} options */
export async function start(models, ...options) {
  const named = models.flatMap((model) => ['--model', model]);
  const inside = ['--expose-gc', '--import', join(import.meta.dirname, 'inside.mjs')];
  const child = spawn(process.execPath, [...inside, heed, 'serve', ...named, '--port', '0', ...options], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  const ended = once(child, 'exit');
  const errors = /** @type {import('node:stream').Readable} */ (child.stderr);
  for await (const line of createInterface({ input: errors })) {
    const url = / at (http:[^\s,]+)\/v1\b/.exec(line)?.[1];
    if (!url) continue;
    errors.resume();
    const stop = async () => {
      child.kill('SIGTERM');
      await ended;
    };
    /** What inside.mjs does; the answer is a number. @param {'kill' | 'collect'} what */
    const tell = async (what) => {
      const heard = once(child, 'message');
      child.send(what);
      return Number((await heard)[0]);
    };
    return { url, tell, stop };
  }
  throw new Error('The server did not start');
}

/** @typedef {Awaited<ReturnType<typeof start>>} Served */
/** @typedef {{ content: string, max_tokens: number, signal?: AbortSignal, temperature?: number, seed?: number }} Ask */

/** A request that was refused, or broken off with an error. */
export class Refused extends Error {
  /** @param {string} message @param {number} status @param {number} retryAfter in seconds */
  constructor(message, status, retryAfter = 0) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** A streamed answer: its text and tokens, and the milliseconds to its first and last token. @param {string} url @param {Ask} ask */
export async function answer(url, { content, signal, ...more }) {
  const begin = performance.now();
  const body = {
    model: 'chat',
    messages: [{ role: 'user', content }],
    temperature: 0,
    stream: true,
    stream_options: { include_usage: true },
    ...more,
  };
  const response = await fetch(`${url}/v1/chat/completions`, {
    ...{ method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body), signal: signal ?? null },
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Refused(`status ${response.status}`, response.status, Number(response.headers.get('retry-after') ?? 0));
  }
  let [text, first, prompt, tokens, rest, isDone] = ['', 0, 0, 0, '', false];
  const decoder = new TextDecoder();
  for await (const part of /** @type {AsyncIterable<Uint8Array>} */ (response.body)) {
    rest += decoder.decode(part, { stream: true });
    const events = rest.split('\n\n');
    rest = events.pop() ?? '';
    for (const event of events) {
      const data = event.replace('data: ', '');
      if (data === '[DONE]') {
        isDone = true;
        continue;
      }
      const { error, choices, usage } = JSON.parse(data);
      if (error) throw new Refused(error.message, 503);
      const said = choices[0]?.delta.content;
      if ((said || choices[0]?.finish_reason) && !first) first = performance.now() - begin;
      text += said ?? '';
      if (usage) [prompt, tokens] = [usage.prompt_tokens, usage.completion_tokens];
    }
  }
  if (!isDone) throw new Error('the answer was cut off');
  return { text, prompt, tokens, first, last: performance.now() - begin };
}

/** Numbers of /metrics whose names have no labels. @param {string} url */
export async function gauges(url) {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Object.fromEntries([...text.matchAll(/^(\w+)(?:\{model="chat"\})? (\d+)$/gm)].map(([, name, value]) => [name, Number(value)]));
}

const words = 'sea wave wind ship salt fish sand rock bird cloud rain light deep blue cold calm storm shore tide'.split(' ');
/** A text of so many words, another for each number. @param {number} count @param {number} number */
export const textOf = (count, number) =>
  Array.from({ length: count }, (_, i) => words[(i * ((number % 17) + 1) + number * 7) % words.length]).join(' ');

/** @param {number} milliseconds */
export const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
/** A measure, as a line of JSON on standard output. @param {string} what @param {Record<string, unknown>} numbers */
export const told = (what, numbers) => console.log(JSON.stringify({ what, ...numbers }));
/** A sign of life, on standard error. @param {string} text */
export const progress = (text) => console.error(`${new Date().toISOString().slice(11, 19)} ${text}`);
