/**
 * The products of bytes that processors differ in: whichever the kernels are made of, 4-bit weights have the same bits. Those that this machine lacks are written out in plain SIMD, by
 * their definitions, and compiled in their place.
 */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { dots } from '../../dist/engine/features.js';
import { BUILD, Dots } from '../../dist/engine/kernels.generated.js';
import { bitDifference } from '../cases/check.js';
import { Random } from '../cases/random.js';
import { drawn } from '../nn/formats/blocks.js';
import { compiled } from './kernels-of.js';

type Kernel = (...args: number[]) => void;

/** i32x4.relaxed_dot_i8x16_i7x16_add_s and i16x8.relaxed_dot_i8x16_i7x16_s, for 7 bits. */
const fours = `
  const low = i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(x), i16x8.extend_low_i8x16_s(w));
  const high = i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(x), i16x8.extend_high_i8x16_s(w));
  return i32x4.add(sum, i32x4.add(v128.shuffle<i32>(low, high, 0, 2, 4, 6), v128.shuffle<i32>(low, high, 1, 3, 5, 7)));`;
const pairs = `
  const low = i32x4.extadd_pairwise_i16x8_s(i16x8.extmul_low_i8x16_s(x, w)), high = i32x4.extadd_pairwise_i16x8_s(i16x8.extmul_high_i8x16_s(x, w));
  return i16x8.narrow_i32x4_s(low, high);`;

/** dots.ts with products written out. */
const written = (text: string) =>
  text
    .replace(/ASC_FEATURE_RELAXED_SIMD \? /, 'true ? ')
    .replace(/if \(ASC_FEATURE_RELAXED_SIMD\) return i32x4\.relaxed_dot.*/, fours)
    .replace(/if \(ASC_FEATURE_RELAXED_SIMD\) return i16x8\.relaxed_dot.*/, pairs);

let everywhere: WebAssembly.Module;
beforeAll(async () => {
  const change = (file: string, text: string | null) => (file === 'assembly/dots.ts' && text ? written(text) : text);
  everywhere = new WebAssembly.Module(await compiled('assembly/index.ts', change, ['--use', `HEED_BUILD=${BUILD}`]));
});

const most = 13;
const [N, K] = [27, 320];

/** y [M, N] by a module whose products are those. */
function product(module: WebAssembly.Module, kind: number, M: number): Float32Array {
  const memory = new WebAssembly.Memory({ initial: 16, maximum: 65536 });
  const { exports } = new WebAssembly.Instance(module, { env: { memory, dots: kind, plain_rows: 4, relaxed_rows: 4, tile_panels: 1 } });
  const { quantize_i8, pack_q4, matmul_q4 } = exports as unknown as Record<'quantize_i8' | 'pack_q4' | 'matmul_q4', Kernel>;
  const at = { x: 0x80000, from: 0x90000, packed: 0xa0000, rounded: 0xb0000, y: 0xc0000, scratch: 0xd0000, refused: 0xe0000 };
  const random = new Random(4);
  new Uint8Array(memory.buffer, at.from).set(drawn('Q4_1', N, K, random).bytes);
  // Some neighbours far larger than others, ends of every range, and equals among the largest.
  const x = random.floats([most, K]).data.map((value, i) => (i % 61 === 0 ? 90 * value : i % 64 < 3 ? 1 : value ** 3));
  new Float32Array(memory.buffer, at.x, M * K).set(x.subarray(0, M * K));
  quantize_i8(0, M, at.rounded, at.x, K);
  pack_q4(0, N, at.packed, at.refused, at.from, 0, K, 20);
  matmul_q4(0, 1, at.scratch, at.y, at.rounded, at.packed, 0, 0, M, N, K, M, Math.ceil(N / 8), 0);
  return new Float32Array(memory.buffer, at.y, M * N).slice();
}

describe('4-bit weights', () => {
  it.each(Object.entries(Dots))('have the same bits with %s as with products of int16, for every number of rows', (_, kind) => {
    for (let M = 1; M <= most; M++) {
      const [y, expected] = [product(everywhere, kind, M), product(everywhere, Dots.Words, M)];
      expect([M, bitDifference(y, expected)]).toEqual([M, undefined]);
      expect(expected.every(Number.isFinite) && expected.some((value) => value !== 0)).toBe(true);
    }
  });

  it('have the bits of the plain binary in the relaxed one, whatever product that is made of', () => {
    const binary = (name: string) => new WebAssembly.Module(readFileSync(new URL(`../../dist/wasm/${name}.wasm`, import.meta.url)));
    const expected = product(binary('simd'), Dots.Words, most);
    expect(bitDifference(product(everywhere, Dots.Words, most), expected)).toBeUndefined();
    if (dots() === Dots.Words) return;
    for (const kind of Object.values(Dots)) expect(bitDifference(product(binary('relaxed'), kind, most), expected)).toBeUndefined();
  });
});
