/** The element types in which checkpoints hold what becomes float32, and the way there: kernels widen, exactly. Float64 is rounded. */
import type { Engine } from '../engine/engine.js';
import { convert_bf16_f32, convert_f16_f32, TILE } from '../engine/kernels.generated.js';
import { HeedError } from '../errors.js';
import { areFinite } from '../ops/quantize.js';

/** Each with the kernel that does it and the bytes of one. */
export const sources = {
  F32: { bytes: 4, kernel: undefined },
  F16: { bytes: 2, kernel: convert_f16_f32 },
  BF16: { bytes: 2, kernel: convert_bf16_f32 },
  F64: { bytes: 8, kernel: undefined },
} as const;
export type SourceDtype = keyof typeof sources;

/** The parameter that is filled. */
interface Widened {
  engine: Engine;
  name: string;
  shape: readonly number[];
}

/** Writes a checkpoint's bytes of a parameter, whole elements, to `to`, as float32. Throws NUMERIC for what is not finite. */
export function widen({ engine, name, shape }: Widened, bytes: Uint8Array, dtype: SourceDtype, to: number): void {
  const { bytes: each, kernel } = sources[dtype];
  const n = bytes.length / each;
  if (dtype === 'F64') engine.heap.floats(to, n).set(new Float64Array(bytes.slice().buffer));
  else if (!kernel) engine.heap.bytes.set(bytes, to);
  else
    engine.scope(() => {
      const raw = engine.allocate(bytes.length);
      engine.heap.bytes.set(bytes, raw.ptr);
      engine.launch(kernel({ tiles: Math.ceil(n / TILE), work: n, y: to, x: raw.ptr, n }));
    });
  if (areFinite(engine, to, n)) return;
  throw new HeedError('NUMERIC', `${name} holds a number that is not finite`, {
    culprit: name,
    shape,
    cure: 'No dtype mends that, fp32 neither: take another checkpoint',
  });
}
