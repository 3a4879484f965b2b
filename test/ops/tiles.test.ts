/** The register tile of the micro-kernels, which each compiler has its own best of: its shape never changes a bit, in either build. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { bitDifference } from '../cases/check.js';
import { Random } from '../cases/random.js';

type Kernel = (...args: number[]) => void;

const [N, K] = [27, 37];
const most = 41;
const random = new Random(11);
const [x, w, bias] = [random.floats([most, K]).data, random.floats([N, K]).data, random.floats([N]).data];

/** y [M, N] of linear, by a module of its own whose tiles have that many rows. */
function product(build: string, rows: number, M: number, panels = 1): Float32Array {
  const memory = new WebAssembly.Memory({ initial: 16, maximum: 65536 });
  const module = new WebAssembly.Module(readFileSync(new URL(`../../dist/wasm/${build}.wasm`, import.meta.url)));
  const { exports } = new WebAssembly.Instance(module, {
    env: { memory, dots: 0, plain_rows: rows, relaxed_rows: rows, tile_panels: panels },
  });
  const { pack_f32, matmul_f32 } = exports as unknown as Record<'pack_f32' | 'matmul_f32', Kernel>;
  // Half a MiB and more: above the constants, with room for each.
  const at = { x: 0x80000, w: 0x90000, packed: 0xa0000, bias: 0xb0000, y: 0xc0000, scratch: 0xd0000 };
  const put = (ptr: number, values: Float32Array) => new Float32Array(memory.buffer, ptr, values.length).set(values);
  put(at.x, x);
  put(at.w, w);
  put(at.bias, bias);
  pack_f32(0, Math.ceil(N / 8), at.packed, at.w, 1, N, K, 0, 0, K, 1, 32 * K);
  matmul_f32(0, 1, at.scratch, at.y, at.x, at.packed, at.bias, 0, M, N, K, M, Math.ceil(N / 8), 0);
  return new Float32Array(memory.buffer, at.y, M * N).slice();
}

const builds = WebAssembly.validate(readFileSync(new URL('../../dist/wasm/relaxed.wasm', import.meta.url)))
  ? ['simd', 'relaxed']
  : ['simd'];

describe.each(builds)('%s', (build) => {
  it.each([5, 6])('tiles of %i rows give the bits that tiles of 4 do, for every number of rows', (rows) => {
    for (let M = 1; M <= most; M++) expect([M, bitDifference(product(build, rows, M), product(build, 4, M))]).toEqual([M, undefined]);
  });

  it('tiles of two panels give them too', () => {
    for (let M = 1; M <= most; M++) expect([M, bitDifference(product(build, 5, M, 2), product(build, 4, M))]).toEqual([M, undefined]);
  });

  it('the product is the right one', () => {
    const y = product(build, 6, most);
    for (const m of [0, 5, 6, 40])
      for (const n of [0, 7, 8, 26]) {
        let sum = bias[n] as number;
        for (let k = 0; k < K; k++) sum += (x[m * K + k] as number) * (w[n * K + k] as number);
        expect(y[m * N + n]).toBeCloseTo(sum, 4);
      }
  });
});
