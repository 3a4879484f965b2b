/**
 * One side of `bench served` in a process of its own, which serves vectors until it is ended: node served-child.mjs SIDE THREADS FOLDER FILE PACKAGE. SIDE is
 * `heed fp32|q8 plain|relaxed`, `onnxruntime-web`, `onnxruntime-node` or `llama.cpp`; FILE is an ONNX or GGUF file of FOLDER's weights, '' for float32 made here; PACKAGE is where a peer that
 * is not the bench's own was installed. It prints its address.
 */
import { readFileSync } from 'node:fs';
import { createServer, listen } from 'heed/server';
import type * as Onnx from 'onnxruntime-web';
import { embedByLlama, embedByOnnx, serveVectors } from './peers/embedder.js';
import { onnxBert } from './peers/onnx-bert.js';

const [side = '', threadsText, folder = '', file = '', address = ''] = process.argv.slice(2);
const threads = Number(threadsText);

async function heed([, dtype, mode]: string[]): Promise<string> {
  const server = await createServer({
    models: { embed: { source: folder, task: 'feature-extraction', options: { dtype: dtype as 'q8' } } },
    // As `heed serve` does.
    engine: { threads, deterministic: mode === 'plain', wide: true },
  });
  return (await listen(server, { port: 0 })).url;
}

async function onnxruntime(ort: typeof Onnx, options: Onnx.InferenceSession.SessionOptions): Promise<string> {
  const model = file ? readFileSync(file) : onnxBert(folder);
  return serveVectors(embedByOnnx(ort, await ort.InferenceSession.create(model, { ...options, graphOptimizationLevel: 'all' }), folder));
}

const sides: Record<string, () => Promise<string>> = {
  heed: () => heed(side.split(' ')),
  'onnxruntime-web': async () => {
    const ort = await import('onnxruntime-web');
    ort.env.wasm.numThreads = threads;
    ort.env.logLevel = 'error';
    return onnxruntime(ort, { executionProviders: ['wasm'] });
  },
  'onnxruntime-node': async () => {
    const ort = (await import(address)) as { default: typeof Onnx };
    return onnxruntime(ort.default, { executionProviders: ['cpu'], intraOpNumThreads: threads, interOpNumThreads: 1 });
  },
  'llama.cpp': async () => serveVectors(await embedByLlama(await import(address), file, threads)),
};

const start = sides[side.split(' ')[0] as string];
if (!start) throw new Error(`there is no side ${side}`);
console.log(await start());
