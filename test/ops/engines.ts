/**
 * The engines that tests of ops run on: one of each binary that this Node has. Launches are never kept on the caller for being
 * small, so that threads get work.
 */
import { createEngine, type Engine, type EngineOptions } from 'heed';
import { afterAll } from 'vitest';

export const variants: Readonly<Record<string, EngineOptions>> = {
  'simd, 1 thread': { deterministic: true, threads: 1 },
  'simd, 2 threads': { deterministic: true, threads: 2 },
  // Where a Node has no relaxed SIMD, these are the ones above once more.
  'relaxed, 1 thread': { threads: 1 },
  'relaxed, 2 threads': { threads: 2 },
};

/** An engine that ends with the file's tests. */
export async function engineFor(options: EngineOptions): Promise<Engine> {
  const engine = await createEngine({ inlineBelow: 0, ...options });
  afterAll(() => engine.dispose());
  return engine;
}
