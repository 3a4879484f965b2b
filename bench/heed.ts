/**
 * heed in the place of a peer (peers/types.ts): the same weights, a Float32Array in, a Float32Array out. Each opened encoder has an engine of
 * its own; `mode` chooses the binaries.
 */
import { createEngine } from 'heed';
import { TransformerEncoderLayer } from 'heed/nn';
import { tensor } from 'heed/ops';
import type { Mode } from './peak.js';
import { type Encoder, type Peer, type Settings, weight } from './peers/types.js';

/** The modes that this runtime has: relaxed SIMD is missing in Node 20. */
export async function modes(): Promise<Mode[]> {
  const engine = await createEngine({ threads: 1 });
  const { simd } = engine.info;
  await engine.dispose();
  return simd === 'relaxed' ? ['plain', 'relaxed'] : ['plain'];
}

export async function openHeed({ heads, layers }: Encoder, { threads, mode }: Settings & { mode: Mode }): Promise<Peer> {
  const engine = await createEngine({ threads, deterministic: mode === 'plain' });
  if (engine.info.threads !== threads)
    throw new Error(`heed runs with ${engine.info.threads} threads, not ${threads}: ${engine.info.reason}`);
  const stack = layers.map((weights) => {
    const [F, C] = weight(weights, 'linear1.weight').dims as [number, number];
    const layer = new TransformerEncoderLayer(engine, C, heads, { dimFeedforward: F, activation: 'gelu', batchFirst: true });
    layer.loadStateDict(weights);
    return layer;
  });
  return {
    name: `heed ${mode}`,
    version: process.env.npm_package_version ?? '',
    options: `${engine.info.simd} SIMD, threads ${engine.info.threads}${mode === 'plain' ? ', deterministic' : ''}`,
    async run(x, T) {
      return engine.scope(() => {
        const y = stack.reduce((h, layer) => layer.forward(h), tensor(engine, x, [1, T, x.length / T]));
        return y.toHost().data as Float32Array;
      });
    },
    close: () => engine.dispose(),
  };
}
