/**
 * onnxruntime-web on its WebAssembly backend, as a peer. Measured with 1.30.0: the package has no relaxed-SIMD build
 * (`env.wasm.simd = 'relaxed'` only checks for support), so SIMD with threads is the fastest there is; session options
 * (fixed dimensions, arena, memory pattern, parallel execution) move it by less than 3 %. The fused attention operator
 * runs 0 to 7 % faster than attention exported from PyTorch as matmul and softmax. Threads are global: one count a process.
 */
import * as ort from 'onnxruntime-web';
import { onnxBert } from './onnx-bert.js';
import { onnxModel } from './onnx-model.js';
import type { OpenPeer } from './types.js';

function create(model: Uint8Array, threads: number): Promise<ort.InferenceSession> {
  ort.env.wasm.numThreads = threads;
  ort.env.logLevel = 'error';
  return ort.InferenceSession.create(model, { executionProviders: ['wasm'], graphOptimizationLevel: 'all' });
}

const version = () => ort.env.versions.web ?? 'unknown';
const optionsOf = (threads: number) => `wasm, SIMD, threads ${threads}, graph optimisation all, com.microsoft.Attention`;

export const openOnnxruntime: OpenPeer = async (encoder, { threads }) => {
  const session = await create(onnxModel(encoder, 'fused'), threads);
  const output = session.outputNames[0] as string;
  return {
    name: 'onnxruntime-web',
    version: version(),
    options: optionsOf(threads),
    async run(x, T) {
      const y = (await session.run({ x: new ort.Tensor('float32', x, [1, T, x.length / T]) }))[output];
      return y?.data as Float32Array;
    },
    close: () => session.release(),
  };
};

/** A whole BERT from a folder with safetensors: ids and mask [B][T] → its last hidden states. */
export async function openBert(folder: string, threads: number) {
  const session = await create(onnxBert(folder), threads);
  const output = session.outputNames[0] as string;
  const tensor = (rows: number[][]) =>
    new ort.Tensor('int64', BigInt64Array.from(rows.flat(), BigInt), [rows.length, rows[0]?.length ?? 0]);
  return {
    version: version(),
    options: optionsOf(threads),
    async run({ ids, mask }: { ids: number[][]; mask: number[][] }): Promise<Float32Array> {
      const token_type_ids = tensor(ids.map((row) => row.map(() => 0)));
      const y = (await session.run({ input_ids: tensor(ids), attention_mask: tensor(mask), token_type_ids }))[output];
      return y?.data as Float32Array;
    },
  };
}
