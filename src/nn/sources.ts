/** The element types in which checkpoints hold what becomes float32, and the way there: kernels widen, exactly. Float64 is rounded. */
import type { Engine } from '../engine/engine.js';

/** Each with the kernel that does it and the bytes of one. */
export const sources = {
  F32: { bytes: 4, kernel: undefined },
  F16: { bytes: 2, kernel: 'convert_f16_f32' },
  BF16: { bytes: 2, kernel: 'convert_bf16_f32' },
  F64: { bytes: 8, kernel: undefined },
} as const;
export type SourceDtype = keyof typeof sources;

/** Writes a checkpoint's bytes, whole elements, to `to`, as float32. */
export function widen(engine: Engine, bytes: Uint8Array, dtype: SourceDtype, to: number): void {
  const { bytes: each, kernel } = sources[dtype];
  if (dtype === 'F64') {
    engine.heap.floats(to, bytes.length / each).set(new Float64Array(bytes.slice().buffer));
    return;
  }
  if (!kernel) {
    engine.heap.bytes.set(bytes, to);
    return;
  }
  engine.scope(() => {
    const raw = engine.allocate(bytes.length);
    engine.heap.bytes.set(bytes, raw.ptr);
    const n = bytes.length / each;
    engine.launch(kernel, Math.ceil(n / 1024), n, [to, raw.ptr, n]);
  });
}
