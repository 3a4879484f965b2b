/** heed's encoder layers with given weights, and their forward. It runs in every runtime. */
import type { Engine } from 'heed';
import { TransformerEncoderLayer } from 'heed/nn';
import { tensor } from 'heed/ops';
import { type Encoder, weight } from './peers/types.js';

/** [1, T, C] in, a fresh array out. */
export type Forward = (x: Float32Array, T: number) => Float32Array;

export function openStack(engine: Engine, { heads, layers }: Encoder): Forward {
  const stack = layers.map((weights) => {
    const [F, C] = weight(weights, 'linear1.weight').dims as [number, number];
    const layer = new TransformerEncoderLayer(engine, C, heads, { dimFeedforward: F, activation: 'gelu', batchFirst: true });
    layer.loadStateDict(weights);
    return layer;
  });
  return (x, T) =>
    engine.scope(() => {
      const y = stack.reduce((h, layer) => layer.forward(h), tensor(engine, x, [1, T, x.length / T]));
      return y.toHost().data as Float32Array;
    });
}
