/**
 * `bench served --model FOLDER [--onnx FOLDER]`: vectors of texts by HTTP, as a client sees it: heed's server with float32 and 8-bit weights, in both modes, against onnxruntime-web,
 * onnxruntime-node and llama.cpp behind hono (peers/embedder.ts). The same texts in the same requests by the same clients; every side runs in a process of its own, in turn; the order
 * reverses from round to round, and a ratio compares the same round. --onnx has what peers/export_onnx.py and peers/export_gguf.py made of the model: sides without their file are left out.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import type { Command } from './command.js';
import { modes } from './heed.js';
import { spread } from './measure.js';
import { root } from './root.js';
import { sentences } from './sentences.js';
import { digits, type Row } from './table.js';

const child = join(root, 'bench', '.cache', 'bundle', 'served-child.mjs');
/** Milliseconds of a measure, and of warming up before it. */
const [TIME, WARM] = [3000, 1000];
/** Clients, and texts of each of their requests. */
const loads = [
  [1, 1],
  [16, 1],
  [4, 32],
] as const;
const labelOf = ([clients, texts]: readonly [number, number]) => `${clients} × ${texts}`;

interface Side {
  name: string;
  /** Of served-child.ts. */
  args: string[];
}

const web = 'onnxruntime-web fp32';

/** A package that is nobody's dependency here, wherever it was installed. */
const installed = (name: string, variable: string) =>
  [process.env[variable], join(root, 'bench/node_modules', name)].find((folder) => folder && existsSync(join(folder, 'package.json')));
const manifest = (folder: string) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string; main?: string };

async function sidesOf(onnx: string | undefined, only: string[] | undefined): Promise<Side[]> {
  const file = (name: string) => (onnx && existsSync(join(onnx, name)) ? join(onnx, name) : '');
  const sides = (await modes()).flatMap((mode) =>
    ['fp32', 'q8'].map((dtype): Side => ({ name: `heed ${dtype} ${mode}`, args: [`heed ${dtype} ${mode}`, '', ''] })),
  );
  const webVersion = manifest(join(root, 'bench/node_modules/onnxruntime-web')).version;
  sides.push({ name: web, args: ['onnxruntime-web', '', ''] });
  const int8 = file('model.int8.onnx');
  if (int8) sides.push({ name: `onnxruntime-web ${webVersion} int8`, args: ['onnxruntime-web', int8, ''] });
  const native = installed('onnxruntime-node', 'HEED_BENCH_ONNXRUNTIME_NODE');
  if (native) {
    const { version, main = 'dist/index.js' } = manifest(native);
    const address = pathToFileURL(join(native, main)).href;
    sides.push({ name: `onnxruntime-node ${version} fp32`, args: ['onnxruntime-node', '', address] });
    if (int8) sides.push({ name: `onnxruntime-node ${version} int8`, args: ['onnxruntime-node', int8, address] });
  }
  const llama = installed('node-llama-cpp', 'HEED_BENCH_LLAMA_CPP');
  for (const dtype of ['f32', 'q8_0'])
    if (llama && file(`model.${dtype}.gguf`)) {
      const name = `llama.cpp (node-llama-cpp ${manifest(llama).version}) ${dtype}`;
      sides.push({ name, args: ['llama.cpp', file(`model.${dtype}.gguf`), pathToFileURL(join(llama, 'dist/index.js')).href] });
    }
  return sides.filter(({ name }) => name === web || !only || only.some((part) => name.includes(part)));
}

async function vectors(url: string, input: readonly string[]): Promise<Float32Array[]> {
  const response = await fetch(`${url}/v1/embeddings`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'embed', input, encoding_format: 'base64' }),
  });
  const { data } = (await response.json()) as { data?: { embedding: string }[] };
  if (data?.length !== input.length) throw new Error(`${url} answers with status ${response.status}`);
  return data.map(({ embedding }) => new Float32Array(new Uint8Array(Buffer.from(embedding, 'base64')).buffer));
}

/** Texts a second. */
async function rateOf(url: string, [clients, texts]: readonly [number, number], time: number): Promise<number> {
  const begin = performance.now();
  let count = 0;
  const one = async (client: number) => {
    for (let turn = client * 11; performance.now() < begin + time; turn += texts) {
      await vectors(
        url,
        Array.from({ length: texts }, (_, i) => sentences[(turn + i) % sentences.length] as string),
      );
      count += texts;
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, client) => one(client)));
  return (1000 * count) / (performance.now() - begin);
}

interface Told {
  rates: Record<string, number>;
  answer: Float32Array[];
}

async function measure({ args: [side = '', file = '', address = ''] }: Side, threads: number, folder: string): Promise<Told> {
  const server = spawn(process.execPath, [child, side, String(threads), folder, file, address], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(server, 'exit');
  try {
    const lines = createInterface({ input: server.stdout })[Symbol.asyncIterator]();
    const { value: url, done } = await lines.next();
    if (done) throw new Error(`the server of ${side} did not start`);
    const answer = await vectors(url, sentences);
    const rates: Record<string, number> = {};
    for (const load of loads) {
      await rateOf(url, load, WARM);
      rates[labelOf(load)] = await rateOf(url, load, TIME);
    }
    return { rates, answer };
  } catch (error) {
    const { exitCode, signalCode } = server;
    const state = signalCode ?? (exitCode === null ? 'it still runs' : `it ended with code ${exitCode}`);
    throw new Error(`the server of ${side} does not answer (${state})`, { cause: error });
  } finally {
    server.kill();
    await ended;
  }
}

/** Least similarity of two lists of vectors of length 1. */
const nearness = (a: readonly Float32Array[], b: readonly Float32Array[]) =>
  Math.min(...a.map((vector, i) => vector.reduce((sum, value, c) => sum + value * ((b[i] as Float32Array)[c] as number), 0)));

export const command: Command = {
  async run({ threads, measuring: { rounds = 5 }, model: folder, onnx, only }) {
    if (!folder) throw new Error('bench served needs --model FOLDER, the files of all-MiniLM-L6-v2');
    const before = loadavg()[0] as number;
    const sides = await sidesOf(onnx, only);
    const results = new Map<string, Told[]>(sides.map(({ name }) => [name, []]));
    const told = (name: string) => results.get(name) as Told[];
    for (let round = 0; round < rounds; round++)
      for (const side of round % 2 ? [...sides].reverse() : sides) {
        console.error(`round ${round + 1} of ${rounds}: ${side.name}`);
        told(side.name).push(await measure(side, threads, folder));
      }
    const right = (told(web)[0] as Told).answer;
    const peers = sides.map(({ name }) => name).filter((name) => name === web || /^onnxruntime-node.*fp32$/.test(name));
    const rows = sides.map(({ name }): Row => {
      const row: Row = { 'clients × texts': name };
      for (const load of loads.map(labelOf)) row[load] = digits(spread(told(name).map(({ rates }) => rates[load] as number)).median);
      for (const peer of peers)
        for (const load of loads.map(labelOf)) {
          const ratio = spread(
            told(name).map(({ rates }, round) => (rates[load] as number) / ((told(peer)[round] as Told).rates[load] as number)),
          );
          row[`${load}: × ${peer.split(' ')[0]}`] = `${digits(ratio.median)} (${digits(ratio.low)} to ${digits(ratio.high)})`;
        }
      return row;
    });
    const near = sides.map(({ name }) => {
      const cosine = nearness((told(name)[0] as Told).answer, right);
      if (!(cosine > 0.9)) throw new Error(`${name} answers with other vectors: cosine ${cosine.toFixed(4)}`);
      return `${name} ${cosine.toFixed(5)}`;
    });
    return {
      title: `Vectors of texts by HTTP: ${folder.split('/').at(-1)}, threads ${threads}, servers in turn`,
      notes: [
        `texts a second; medians of ${rounds} rounds, ratios of the same round with quartiles in brackets; load average ${digits(before)} before`,
        `${sentences.length} texts of 9 to 16 words; plain is --deterministic; onnxruntime-web ${manifest(join(root, 'bench/node_modules/onnxruntime-web')).version}; peers put requests together, too, up to 32 texts`,
        `least cosine to onnxruntime-web's float32: ${near.join(', ')}`,
      ],
      tables: [{ rows }],
      raw: Object.fromEntries(sides.map(({ name }) => [name, told(name).map(({ rates }) => rates)])),
    };
  },
};
