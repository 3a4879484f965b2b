/**
 * What tests of the engine share: a computation whose answer is known, to tell whether an engine still works, and a way to
 * watch which memory it uses. The computation is a product of whole numbers so small that float32 holds every sum exactly:
 * in whatever order and by however many threads it is computed, there is one right answer.
 */
import { expect } from 'vitest';
import type { Engine } from '../../dist/engine/engine.js';
import type { Storage } from '../../dist/engine/memory.js';
import { linear } from '../../dist/ops/index.js';
import { tensor } from '../../dist/tensor.js';

/** Whole numbers from -4 to 4. */
const whole = (count: number, seed: number) => Float32Array.from({ length: count }, (_, i) => ((i * 7 + seed * 13 + (i >> 3)) % 9) - 4);

export interface Probe {
  M?: number;
  N?: number;
  K?: number;
  seed?: number;
}

/** x Wᵀ on the engine. */
export function product(engine: Engine, { M = 96, N = 104, K = 40, seed = 1 }: Probe = {}): number[] {
  return engine.scope(() => {
    const y = linear(tensor(engine, whole(M * K, seed), [M, K]), tensor(engine, whole(N * K, seed + 1), [N, K]));
    return Array.from(y.toHost().data);
  });
}

/** x Wᵀ as it is. */
export function expected({ M = 96, N = 104, K = 40, seed = 1 }: Probe = {}): number[] {
  const [x, w] = [whole(M * K, seed), whole(N * K, seed + 1)];
  const y = new Array<number>(M * N).fill(0);
  for (let m = 0; m < M; m++)
    for (let n = 0; n < N; n++) for (let k = 0; k < K; k++) (y[m * N + n] as number) += (x[m * K + k] as number) * (w[n * K + k] as number);
  return y.map((v) => v + 0);
}

/** The engine computes what is right, and leaves its memory as it was. */
export function expectWorks(engine: Engine, probe: Probe = {}): void {
  const { used, storages } = engine.memory();
  expect(product(engine, probe)).toEqual(expected(probe));
  // Scratch stays with the engine; what it has once had it keeps.
  const again = engine.memory();
  expect(again.storages - storages).toBeLessThanOrEqual(1);
  product(engine, probe);
  expect(engine.memory()).toMatchObject({ used: again.used, storages: again.storages });
  expect(again.used - used).toBeLessThan(1 << 20);
}

export type Span = Pick<Storage, 'ptr' | 'bytes'>;

export const overlap = (a: Span, b: Span): boolean => a.ptr < b.ptr + b.bytes && b.ptr < a.ptr + a.bytes;
