/**
 * Peers of `heed serve` for vectors of texts: all-MiniLM-L6-v2 in onnxruntime's WebAssembly, its native build, or llama.cpp, with the tokenizer and the pooling that go with
 * them, behind hono and the same node:http listener as heed. Requests that come while a batch is worked on are put together, as servers of vectors do.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import { listenerOf } from 'heed/server';
import { Hono } from 'hono';
import type * as Onnx from 'onnxruntime-web';

/** Normalized vectors of texts. */
export type Embed = (texts: readonly string[]) => Promise<Float32Array[]>;

/** Texts that are worked on at once, where requests are put together. */
const MOST = 32;

/** Mean of the rows [T][C] that the mask has, of length 1. */
function pooled(hidden: Float32Array, begin: number, length: number, C: number): Float32Array {
  const vector = new Float32Array(C);
  for (let t = 0; t < length; t++) for (let c = 0; c < C; c++) vector[c] = (vector[c] as number) + (hidden[begin + t * C + c] as number);
  const norm = Math.hypot(...vector);
  return vector.map((value) => value / norm);
}

/** Vectors by a session of onnxruntime's, web or native, which have one interface. */
export function embedByOnnx(ort: typeof Onnx, session: Onnx.InferenceSession, folder: string): Embed {
  const json = (name: string) => JSON.parse(readFileSync(join(folder, name), 'utf8'));
  const tokenizer = new Tokenizer(json('tokenizer.json'), json('tokenizer_config.json'));
  return async (texts) => {
    const rows = texts.map((text) => tokenizer.encode(text).ids);
    const [B, T] = [rows.length, Math.max(...rows.map((row) => row.length))];
    const tensor = (value: (row: number[], t: number) => number) =>
      new ort.Tensor(
        'int64',
        BigInt64Array.from({ length: B * T }, (_, i) => BigInt(value(rows[Math.floor(i / T)] as number[], i % T))),
        [B, T],
      );
    const outputs = await session.run({
      input_ids: tensor((row, t) => row[t] ?? 0),
      attention_mask: tensor((row, t) => Number(t < row.length)),
      token_type_ids: tensor(() => 0),
    });
    const hidden = outputs[session.outputNames[0] as string]?.data as Float32Array;
    const C = hidden.length / B / T;
    return rows.map((row, b) => pooled(hidden, b * T * C, row.length, C));
  };
}

/** What is used of node-llama-cpp. */
interface LlamaCpp {
  getLlama(options: object): Promise<{ loadModel(options: object): Promise<LlamaModel> }>;
}
interface LlamaModel {
  createEmbeddingContext(options: object): Promise<{ getEmbeddingFor(text: string): Promise<{ vector: readonly number[] }> }>;
}

/** Vectors by llama.cpp, which pools; node-llama-cpp takes a text at a time. */
export async function embedByLlama({ getLlama }: LlamaCpp, modelPath: string, threads: number): Promise<Embed> {
  const llama = await getLlama({ gpu: false, maxThreads: threads, logLevel: 'disabled', progressLogs: false });
  const context = await (await llama.loadModel({ modelPath })).createEmbeddingContext({ threads, contextSize: 512, batchSize: 512 });
  return async (texts) => {
    const vectors: Float32Array[] = [];
    for (const text of texts) {
      const { vector } = await context.getEmbeddingFor(text);
      const norm = Math.hypot(...vector);
      vectors.push(Float32Array.from(vector, (value) => value / norm));
    }
    return vectors;
  };
}

/** One batch after another, each of what has come meanwhile. */
function together(embed: Embed): Embed {
  const waiting: { texts: readonly string[]; resolve(vectors: Float32Array[]): void; reject(error: unknown): void }[] = [];
  let running = false;
  const work = async () => {
    running = true;
    while (waiting.length) {
      let [count, texts] = [0, 0];
      do texts += waiting[count++]?.texts.length ?? 0;
      while (count < waiting.length && texts + (waiting[count]?.texts.length ?? 0) <= MOST);
      const some = waiting.splice(0, count);
      try {
        const vectors = await embed(some.flatMap((one) => one.texts));
        for (const { texts, resolve } of some) resolve(vectors.splice(0, texts.length));
      } catch (error) {
        for (const { reject } of some) reject(error);
      }
    }
    running = false;
  };
  return (texts) =>
    new Promise((resolve, reject) => {
      waiting.push({ texts, resolve, reject });
      if (!running) void work();
    });
}

/** Serves vectors in OpenAI's wire format, on a free port of loopback: its address. */
export async function serveVectors(embed: Embed): Promise<string> {
  const join = together(embed);
  const app = new Hono();
  app.post('/v1/embeddings', async (context) => {
    const { input, model, encoding_format } = await context.req.json<{
      input: string | string[];
      model: string;
      encoding_format?: string;
    }>();
    const data = (await join([input].flat())).map((vector, index) => {
      const embedding = encoding_format === 'base64' ? Buffer.from(vector.buffer).toString('base64') : Array.from(vector);
      return { object: 'embedding', index, embedding };
    });
    return context.json({ object: 'list', data, model });
  });
  const http = createServer(
    { keepAliveTimeout: 75_000 },
    listenerOf(async (request) => app.fetch(request)),
  );
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
}
