/**
 * A thread: it claims chunks while there are any, looks a while for more, then sleeps until the epoch changes. It loops in
 * JavaScript, since V8 does not replace baseline code inside a running wasm call. It ends when its worker is terminated.
 */
import type { WorkerInit } from '../runtime/types.js';
import { admittedSlot, slot, spin, viewControl, work } from './control.js';
import { instantiate } from './instantiate.js';

/** Makes ready and calls `ready`, then never returns. */
export function runThread({ module, memory, control, lane }: WorkerInit, ready: () => void): never {
  const { kernels } = instantiate(module, memory);
  const { slots, args } = viewControl(memory, control);
  ready();
  // Who was too late is never let in, and can be ended without a claim in its hands.
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
