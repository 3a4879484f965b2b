/** Weights that are read ahead: never behind the last one, which may be the last bytes of memory. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { dots } from '../../dist/engine/features.js';
import { BLOCK, PANEL, PANEL_BLOCK, Q4_BLOCK, Q4_ROW_BLOCK, ROW_BLOCK } from '../../dist/engine/kernels.generated.js';
import { Random } from '../cases/random.js';

type Kernel = (...args: number[]) => void;
const formats = {
  q8: { round: 'quantize_i16', product: 'matmul_q8', block: PANEL_BLOCK, row: ROW_BLOCK },
  q4: { round: 'quantize_i8', product: 'matmul_q4', block: Q4_BLOCK, row: Q4_ROW_BLOCK },
} as const;
const kinds = { simd: 0, ...(dots() ? { relaxed: dots() } : {}) };
const most = 3;

/** y [M, N] for weights that lie at an address of memory, or that end with it. */
function product(binary: string, dtype: keyof typeof formats, [M, N, K]: readonly [number, number, number], atEnd: boolean): Float32Array {
  const memory = new WebAssembly.Memory({ initial: 24, maximum: 65536 });
  const module = new WebAssembly.Module(readFileSync(new URL(`../../dist/wasm/${binary}.wasm`, import.meta.url)));
  const env = { memory, dots: kinds[binary as keyof typeof kinds] as number, plain_rows: 4, relaxed_rows: 4, tile_panels: 1 };
  const exports = new WebAssembly.Instance(module, { env }).exports as unknown as Record<string, Kernel>;
  const { round, product: multiply, block } = formats[dtype];
  const bytes = Math.ceil(N / PANEL) * (K / BLOCK) * block;
  const [x, rounded, y, scratch] = [0x10000, 0x20000, 0x30000, 0x40000];
  const packed = atEnd ? memory.buffer.byteLength - bytes : 0x50000;
  const random = new Random(3);
  new Float32Array(memory.buffer, x, M * K).set(random.floats([M, K]).data);
  // Bytes below 60 are finite scales, as float32 and as float16.
  const drawn = Uint8Array.from({ length: bytes }, () => random.below(60));
  new Uint8Array(memory.buffer, packed, bytes).set(drawn);
  exports[round]?.(0, M, rounded, x, K);
  exports[multiply]?.(0, 1, scratch, y, rounded, packed, 0, 0, M, N, K, M, Math.ceil(N / PANEL), 0);
  return new Float32Array(memory.buffer, y, M * N).slice();
}

describe.each(Object.keys(kinds))('%s', (binary) => {
  it.each(['q8', 'q4'] as const)('%s weights at the end of memory make the same product as others', (dtype) => {
    for (let M = 1; M <= most; M++)
      for (const K of [32, 96, 160, 320, 768, 1536])
        for (const N of [5, 8, 16, 40, 67]) {
          const sizes = [M, N, K] as const;
          const elsewhere = product(binary, dtype, sizes, false);
          expect([sizes, product(binary, dtype, sizes, true)]).toEqual([sizes, elsewhere]);
          expect(elsewhere.some((value) => value !== 0)).toBe(true);
        }
  });
});
