/** A server of tiny models for tests, and OpenAI's client for it. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createServer, type RequestLog, type Server, type ServerOptions } from 'heed/server';
import OpenAI from 'openai';
import { expect } from 'vitest';
import { tinyWriter } from '../pipelines/tiny_writer.js';

export const bertTiny = fileURLToPath(new URL('../fixtures/bert-tiny', import.meta.url));

/** The language model with room for long texts, which take a while. */
export const longWriter = {
  ...tinyWriter,
  'config.json': new TextEncoder().encode(
    JSON.stringify({ ...JSON.parse(tinyWriter['config.json'].toString()), max_position_embeddings: 20_000 }),
  ),
};
/** Keeps a text of it from ending. */
export const endless = { logit_bias: { 2: -100 }, max_tokens: 15_000 };

/** The language model with a chat template that has tools, in SmolLM2's syntax. */
export const toolWriter = {
  ...longWriter,
  'tokenizer_config.json': new TextEncoder().encode(
    JSON.stringify({
      pad_token: '<pad>',
      eos_token: '</s>',
      chat_template:
        "{% for t in tools or [] %}{{ 'T:' + t.function.name + ' ' }}{% endfor %}{% for m in messages %}{{ m.role[0] + ':' + m.content }}{% for c in m.tool_calls or [] %}{{ '<tool_call>[' + c.function.name + c.function.arguments.city }}{% endfor %} {% endfor %}a:",
    }),
  ),
};

/** A model of pictures of 24 by 24 pixels in 16 patches, behind its class token. */
export const eye = {
  ...Object.fromEntries(
    ['config.json', 'model.safetensors'].map((name) => [
      name,
      new Uint8Array(readFileSync(new URL(`../fixtures/vision/vit_classify/${name}`, import.meta.url))),
    ]),
  ),
  'preprocessor_config.json': new TextEncoder().encode(
    JSON.stringify({ image_processor_type: 'ViTImageProcessor', size: { height: 24, width: 24 }, image_mean: [0.5, 0.4, 0.3] }),
  ),
};

/** A deterministic server of a language model, `writer`, and an encoder, `encoder`, and its log. */
export async function serve(options: Partial<ServerOptions> = {}): Promise<Server & { log: RequestLog[] }> {
  const log: RequestLog[] = [];
  const models = { writer: { source: tinyWriter }, long: { source: longWriter }, encoder: bertTiny };
  const engine = { threads: 1, deterministic: true };
  const server = await createServer({ models, engine, log: (line) => log.push(line), ...options });
  return { ...server, log };
}

/** OpenAI's client of a server, without a port. */
export const clientOf = (server: Server, apiKey = 'none'): OpenAI =>
  new OpenAI({
    apiKey,
    baseURL: 'http://localhost/v1',
    maxRetries: 0,
    fetch: async (input, init) => server.fetch(new Request(input as string, init as RequestInit)),
  });

/** A request with a body of JSON. */
export const post = (server: Server, path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
  server.fetch(
    new Request(`http://localhost${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    }),
  );

/** What the server's metrics say: `name` is that of a line, with its labels. */
export async function metricOf(server: Server, name: string): Promise<number> {
  const text = await (await server.fetch(new Request('http://localhost/metrics'))).text();
  return Number(
    text
      .split('\n')
      .find((line) => line.startsWith(`${name} `))
      ?.slice(name.length),
  );
}

/** All that comes. */
export async function gathered<T>(all: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const one of all) list.push(one);
  return list;
}

/** Status and details of a refusal, which is short whatever was sent. */
export async function refusalOf(response: Response) {
  const body = await response.text();
  expect(body.length).toBeLessThan(1500);
  const { error } = JSON.parse(body) as { error: { code: string | null; param: string | null } };
  return { status: response.status, ...error };
}

/** Whole numbers below a count. */
export const many = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
