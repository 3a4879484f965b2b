/** heed in the place of jax-js (peers/feed_forward.ts): the same block, and its gradients from a tape. */
import { createEngine } from 'heed';
import { Linear } from 'heed/nn';
import { mul, sum, tensor, valueAndGrad } from 'heed/ops';
import type { Mode } from './peak.js';
import type { Block, FeedForward } from './peers/feed_forward.js';

export async function openBlock({ rows, C, F, x, w1, w2 }: FeedForward, mode: Mode, threads: number): Promise<Block> {
  const engine = await createEngine({ threads, deterministic: mode === 'plain' });
  const [first, second] = [new Linear(engine, C, F, { bias: false }), new Linear(engine, F, C, { bias: false })];
  first.loadStateDict({ weight: { data: w1, dims: [F, C] } });
  second.loadStateDict({ weight: { data: w2, dims: [C, F] } });
  for (const layer of [first, second]) layer.train();
  const input = tensor(engine, x, [rows, C]);
  const run = () => {
    for (const layer of [first, second]) layer.zeroGrad();
    return valueAndGrad(engine, () => {
      const y = second.forward(first.forward(input, { activation: 'relu' }));
      return sum(mul(y, y));
    });
  };
  return {
    name: `heed ${mode}, threads ${threads}`,
    run,
    async gradients() {
      run();
      return [first, second].map(({ weight }) => weight.grad?.toHost().data as Float32Array);
    },
    close: () => engine.dispose(),
  };
}
