/**
 * The peak that kernels are measured against, as a task: assembly/peak.ts, compiled by peak-binary.ts, in whatever runtime this is. Modes are
 * the two kinds of binaries.
 */
import type { Task } from './measure.js';

/** Floating-point operations of one call: 96 in each turn. Short calls, as kernels are: V8 replaces baseline code only between calls. */
export const peakFlops = 96 * 20_000;

export type Mode = 'plain' | 'relaxed';

type Peak = (turns: number, x: number, y: number) => number;

/** Throws where the binary cannot run, or where nothing may be compiled from bytes. */
export function peakTask(binary: Uint8Array<ArrayBuffer>): Task {
  const memory = new WebAssembly.Memory({ initial: 16 });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(binary), { env: { memory } });
  const peak = exports.peak as Peak;
  return () => peak(peakFlops / 96, 1.0000001, 0.9999999);
}
