/**
 * jax-js on its wasm backend, which has one thread, as a peer: the gradients of a feed-forward block. Measured with 0.1.25. `jit` gains nothing
 * here (3 % slower than without), so it is left out. Its arrays are counted: `.ref` is one more use.
 */
import { blockUntilReady, defaultDevice, grad, init, nn, numpy as np } from '@jax-js/jax';
import type { Block, OpenBlock } from './feed_forward.js';

export const openJax: OpenBlock = async ({ rows, C, F, x, w1, w2 }): Promise<Block> => {
  if (!(await init('wasm')).includes('wasm')) throw new Error('jax-js has no wasm backend here');
  defaultDevice('wasm');
  const array = (data: Float32Array, shape: number[]) => np.array(data as Float32Array<ArrayBuffer>, { shape });
  const [input, first, second] = [array(x, [rows, C]), array(w1, [F, C]), array(w2, [C, F])];
  const loss = (a: np.Array, b: np.Array, given: np.Array) => {
    const y = np.matmul(nn.relu(np.matmul(given, a.transpose())), b.transpose());
    return np.sum(y.ref.mul(y));
  };
  const gradients = grad(loss, { argnums: [0, 1] });
  const run = async () => {
    const made = gradients(first.ref, second.ref, input.ref);
    await blockUntilReady(made);
    return made;
  };
  return {
    name: 'jax-js',
    run: async () => {
      for (const gradient of await run()) gradient.dispose();
    },
    gradients: async () => Promise.all((await run()).map(async (gradient) => (await gradient.data()) as Float32Array)),
    close: async () => {},
  };
};
