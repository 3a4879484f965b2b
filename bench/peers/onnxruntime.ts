/**
 * onnxruntime-web on its WebAssembly backend, as a peer. Measured with 1.30.0: the package has no relaxed-SIMD build
 * (`env.wasm.simd = 'relaxed'` only checks for support), so SIMD with threads is the fastest there is; session options
 * (fixed dimensions, arena, memory pattern, parallel execution) move it by less than 3 %. The fused attention operator
 * runs 0 to 7 % faster than attention exported from PyTorch as matmul and softmax. Threads are global: one count a process.
 */
import * as ort from 'onnxruntime-web';
import { onnxModel } from './onnx-model.js';
import type { OpenPeer } from './types.js';

export const openOnnxruntime: OpenPeer = async (encoder, { threads }) => {
  ort.env.wasm.numThreads = threads;
  ort.env.logLevel = 'error';
  const session = await ort.InferenceSession.create(onnxModel(encoder, 'fused'), {
    executionProviders: ['wasm'],
    graphOptimizationLevel: 'all',
  });
  const output = session.outputNames[0] as string;
  return {
    name: 'onnxruntime-web',
    version: ort.env.versions.web ?? 'unknown',
    options: `wasm, SIMD, threads ${threads}, graph optimisation all, com.microsoft.Attention`,
    async run(x, T) {
      const y = (await session.run({ x: new ort.Tensor('float32', x, [1, T, x.length / T]) }))[output];
      return y?.data as Float32Array;
    },
    close: () => session.release(),
  };
};
