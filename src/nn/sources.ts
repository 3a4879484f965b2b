/** The element types in which checkpoints hold what becomes float32, and the way there: kernels widen, exactly. */
import type { Engine } from '../engine/engine.js';

/** Each with the kernel that does it and the bytes of one. */
export const sources = {
  F32: { bytes: 4, kernel: undefined },
  F16: { bytes: 2, kernel: 'convert_f16_f32' },
  BF16: { bytes: 2, kernel: 'convert_bf16_f32' },
} as const;
export type SourceDtype = keyof typeof sources;

/** Writes a checkpoint's bytes to `to`, as float32. */
export function widen(engine: Engine, bytes: Uint8Array, dtype: SourceDtype, to: number): void {
  const { bytes: each, kernel } = sources[dtype];
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
