/**
 * heed in the place of a peer (peers/types.ts): the same weights, a Float32Array in, a Float32Array out. Each opened encoder has an engine of
 * its own; `mode` chooses the binaries.
 */
import { createEngine } from 'heed';
import type { Mode } from './peak.js';
import type { Encoder, Peer, Settings } from './peers/types.js';
import { openStack } from './stack.js';

/** The modes that this runtime has: relaxed SIMD is missing in Node 20. */
export async function modes(): Promise<Mode[]> {
  const engine = await createEngine({ threads: 1 });
  const { simd } = engine.info;
  await engine.dispose();
  return simd === 'relaxed' ? ['plain', 'relaxed'] : ['plain'];
}

export async function openHeed(encoder: Encoder, { threads, mode }: Settings & { mode: Mode }): Promise<Peer> {
  const engine = await createEngine({ threads, deterministic: mode === 'plain' });
  if (engine.info.threads !== threads)
    throw new Error(`heed runs with ${engine.info.threads} threads, not ${threads}: ${engine.info.reason}`);
  const forward = openStack(engine, encoder);
  return {
    name: `heed ${mode}`,
    version: process.env.npm_package_version ?? '',
    options: `${engine.info.simd} SIMD, threads ${engine.info.threads}${mode === 'plain' ? ', deterministic' : ''}`,
    run: async (x, T) => forward(x, T),
    close: () => engine.dispose(),
  };
}
