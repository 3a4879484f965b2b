/** Half-precision numbers become float32 exactly: all 65536 patterns of both formats, as a checkpoint brings them. */
import type { Engine } from 'heed';
import { tensor } from 'heed/ops';
import { beforeAll, describe, expect, it } from 'vitest';
import { convert_bf16_f32, convert_f16_f32, TILE } from '../../dist/engine/kernels.generated.js';
import { engineFor } from './engines.js';

let engine: Engine;
beforeAll(async () => {
  engine = await engineFor({ threads: 2 });
});

const patterns = Uint16Array.from({ length: 65536 }, (_, i) => i);
const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** Bits of a float32 number. */
function bitsOf(value: number): number {
  float[0] = value;
  return bits[0] as number;
}

/** binary16 by its definition: (−1)^s · 2^(e − 15) · 1.m, 2^−14 · 0.m where e is 0; a NaN keeps its payload in the upper bits. */
function fromF16(h: number): number {
  const [sign, e, m] = [h >>> 15, (h >>> 10) & 31, h & 1023];
  if (e === 31) return ((sign << 31) | 0x7f800000 | (m << 13)) >>> 0;
  const magnitude = e === 0 ? m * 2 ** -24 : (1 + m / 1024) * 2 ** (e - 15);
  return bitsOf(sign ? -magnitude : magnitude);
}

const formats = [
  ['float16', convert_f16_f32, fromF16],
  ['bfloat16', convert_bf16_f32, (h: number) => (h << 16) >>> 0],
] as const;

describe.each(formats)('%s', (_, kernel, exact) => {
  /** The kernel over the first n of `values`; what is behind them must stay 77. */
  const convert = (values: Uint16Array, n: number): Uint32Array =>
    engine.scope(() => {
      const x = tensor(engine, new Int32Array(Math.ceil(values.length / 2)));
      engine.heap.bytes.set(new Uint8Array(values.buffer), x.ptr);
      const y = tensor(engine, new Float32Array(values.length).fill(77));
      engine.launch(kernel({ tiles: Math.ceil(n / TILE), work: n, y: y.ptr, x: x.ptr, n }));
      return new Uint32Array(y.toHost().data.buffer);
    });

  it('is exact for every pattern: subnormals, infinities and NaNs with their payloads too', () => {
    expect(convert(patterns, 65536)).toEqual(Uint32Array.from(patterns, exact));
  });

  it.each([0, 1, 3, 1023, 1025])('writes %i numbers when asked for as many', (n) => {
    const expected = Uint32Array.from({ length: 2048 }, (_, i) => (i < n ? exact(patterns[i] as number) : bitsOf(77)));
    expect(convert(patterns.slice(0, 2048), n)).toEqual(expected);
  });
});
