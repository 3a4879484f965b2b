/**
 * The loop of a thread: claims chunks while there are any, looks for more for a while, then sleeps until the epoch changes. The loop is JavaScript, since V8 does
 * not replace baseline code inside a running wasm call. A thread ends when its worker is terminated.
 */
import type { WorkerInit } from '../runtime/types.js';
import { admittedSlot, slot, spin, viewControl, work } from './control.js';
import { instantiate } from './instantiate.js';

/** Instantiates the kernels, calls `ready`, then runs the thread's loop and never returns. */
export function runThread({ module, memory, control, lane }: WorkerInit, ready: () => void): never {
  const { kernels } = instantiate(module, memory);
  const { slots, args } = viewControl(memory, control);
  ready();
  // A thread that started too late is never admitted, and can be terminated without a claimed chunk in its hands.
  Atomics.wait(slots, admittedSlot(lane), 0);
  const hasWork = () => Atomics.load(slots, slot.next) > 0;
  for (;;) {
    const epoch = Atomics.load(slots, slot.epoch);
    work(slots, args, lane, kernels);
    const patience = Atomics.load(slots, slot.patience);
    if (patience > 0 && spin(hasWork, patience / 1000)) continue;
    Atomics.add(slots, slot.sleepers, 1);
    Atomics.wait(slots, slot.epoch, epoch);
    Atomics.sub(slots, slot.sleepers, 1);
  }
}
