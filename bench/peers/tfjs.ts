/**
 * TensorFlow.js on its WebAssembly backend (XNNPACK), as a peer. The encoder is spelt in tfjs's operators the way that measured fastest:
 * every product has one matrix on each side, because only those reach XNNPACK (q kᵀ of 12 heads at T = 128 takes 6.3 ms batched, 1.1 ms
 * head by head); heads are cut from a transposed tensor, where they are contiguous; and factors that a weight can take, 1/√D and GELU's
 * half, are folded into it once. The backend is global, so a process has one thread count.
 */
import { getThreadsCount, setThreadsCount, version_wasm } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { withThreads } from './tfjs-threads.js';
import { type LayerWeights, type OpenPeer, weight } from './types.js';

type Layer = (x: tf.Tensor2D) => tf.Tensor2D;

async function startBackend(threads: number): Promise<void> {
  if (tf.getBackend() !== 'wasm') {
    tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', threads > 1);
    setThreadsCount(threads);
    await (threads > 1 ? withThreads(threads, () => tf.setBackend('wasm')) : tf.setBackend('wasm'));
  }
  if (getThreadsCount() !== threads) throw new Error(`TensorFlow.js runs with ${getThreadsCount()} threads, not ${threads}`);
}

const times = (data: Float32Array, factor: number) => (factor === 1 ? data : data.map((v) => v * factor));

/** y = x wᵀ + b. */
function linear(w: Float32Array, b: Float32Array): Layer {
  const N = b.length;
  const kernel = tf.tidy(() => tf.transpose(tf.tensor2d(w, [N, w.length / N]))) as tf.Tensor2D;
  const bias = tf.tensor1d(b);
  return (x) => tf.fused.matMul({ a: x, b: kernel, bias }) as tf.Tensor2D;
}

function layerNorm(w: LayerWeights, name: string): Layer {
  const gain = tf.tensor1d(weight(w, `${name}.weight`).data);
  const shift = tf.tensor1d(weight(w, `${name}.bias`).data);
  return (x) => {
    const { mean, variance } = tf.moments(x, 1, true);
    const whitened = tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, 1e-5)));
    return tf.add(tf.mul(whitened, gain), shift);
  };
}

function attention(w: LayerWeights, heads: number): Layer {
  const { data: inWeight, dims } = weight(w, 'self_attn.in_proj_weight');
  const inBias = weight(w, 'self_attn.in_proj_bias').data;
  const C = dims[1] as number;
  const D = C / heads;
  const project = (i: number, factor = 1) =>
    linear(times(inWeight.subarray(i * C * C, (i + 1) * C * C), factor), times(inBias.subarray(i * C, (i + 1) * C), factor));
  const [query, key, value] = [project(0, 1 / Math.sqrt(D)), project(1), project(2)];
  const out = linear(weight(w, 'self_attn.out_proj.weight').data, weight(w, 'self_attn.out_proj.bias').data);

  return (x) => {
    const T = x.shape[0];
    const byHead = (y: tf.Tensor2D, axes: [number, number, number]) =>
      tf.unstack(tf.transpose(tf.reshape(y, [T, heads, D]), axes)) as tf.Tensor2D[];
    const q = byHead(query(x), [1, 0, 2]);
    const kTransposed = byHead(key(x), [1, 2, 0]);
    const v = byHead(value(x), [1, 0, 2]);
    const mixed = q.map((head, h) => tf.matMul(tf.softmax(tf.matMul(head, kTransposed[h] as tf.Tensor2D)), v[h] as tf.Tensor2D));
    return out(tf.reshape(tf.transpose(tf.stack(mixed), [1, 0, 2]), [T, C]));
  };
}

function encoderLayer(w: LayerWeights, heads: number): Layer {
  const attend = attention(w, heads);
  const [norm1, norm2] = [layerNorm(w, 'norm1'), layerNorm(w, 'norm2')];
  const up = linear(weight(w, 'linear1.weight').data, weight(w, 'linear1.bias').data);
  const down = linear(times(weight(w, 'linear2.weight').data, 0.5), weight(w, 'linear2.bias').data);
  const twiceGelu: Layer = (h) => tf.mul(h, tf.add(tf.erf(tf.mul(h, Math.SQRT1_2)), 1));
  return (x) => {
    const y = norm1(tf.add(x, attend(x)));
    return norm2(tf.add(y, down(twiceGelu(up(y)))));
  };
}

export const openTfjs: OpenPeer = async ({ heads, layers }, { threads }) => {
  await startBackend(threads);
  const stack = layers.map((w) => encoderLayer(w, heads));
  return {
    name: 'tfjs',
    version: version_wasm,
    options: `wasm backend, SIMD, threads ${getThreadsCount()}, erf kernel, attention head by head`,
    async run(x, T) {
      const y = tf.tidy(() => stack.reduce((h, layer) => layer(h), tf.tensor2d(x, [T, x.length / T])));
      const data = y.dataSync<'float32'>();
      y.dispose();
      return data;
    },
    async close() {}, // its memory goes with the process
  };
};
