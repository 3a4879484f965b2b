/**
 * The control block, at the bottom of the shared memory: how a launch travels from the caller to the threads.
 *
 * The caller writes the launch, sets `pending` and then `next` to the number of chunks, and bumps `epoch`. A thread that wants work subtracts 1 from `next`: a
 * positive old value is a claim on a chunk of the current launch, and that launch cannot end before the claim is worked off and subtracted from `pending`. So the
 * launch is read after the claim and is always the right one; a thread that sleeps, starts late or dies without a claim delays nobody.
 */
import { arities } from './kernels.generated.js';

/** Indices into an Int32Array over the block. Slots that threads contend for have a cache line (16 slots) of their own. */
export const slot = {
  next: 0,
  pending: 16,
  epoch: 32,
  sleepers: 48,
  kernel: 64,
  tiles: 65,
  chunks: 66,
  argc: 67,
  /** Bytes of scratch memory of each lane, 0 for none. With scratch memory, the first argument is the address of lane 0's. */
  scratch: 68,
  /** 1 when a kernel trapped in a thread. */
  fault: 70,
  /** Microseconds in which a thread looks for work before it sleeps. */
  patience: 71,
  /** Number of the launch: arguments that a thread has read for a launch need not be read again for its next chunk. */
  serial: 72,
  /** First tile: a launch may be a part of a larger one. */
  first: 73,
  /** 1 while the caller sleeps on `pending`. */
  asleep: 74,
  /** Cache line of each lane: the number of chunks that the lane has run, then whether it may run any (0: not yet). */
  ran: 80,
} as const;

const LINE = 16;
export const MAX_LANES = 64;
export const ranSlot = (lane: number): number => slot.ran + lane * LINE;
export const admittedSlot = (lane: number): number => ranSlot(lane) + 1;

/** Bytes from the block's start to the arguments, which are f64, since every kernel parameter fits one exactly. */
export const ARGS_OFFSET = (slot.ran + MAX_LANES * LINE) * 4;
/** Arguments behind the tiles of the kernel that has the most of them. */
const MAX_ARGS = /* @__PURE__ */ Math.max(...arities) - 2;
export const CONTROL_BYTES = ARGS_OFFSET + MAX_ARGS * 8;

/** A control block seen from JavaScript. Views of a shared memory stay valid when it grows. */
export const viewControl = (memory: WebAssembly.Memory, address: number) => ({
  slots: new Int32Array(memory.buffer, address, ARGS_OFFSET / 4),
  args: new Float64Array(memory.buffer, address + ARGS_OFFSET, MAX_ARGS),
});

/** Tells the processor that this is a spinning loop, where the runtime can. */
const pause: () => void = (Atomics as { pause?: () => void }).pause ?? (() => {});
/** Looks between two readings of the clock. A pause takes 40 to 140 cycles, by the processor, so the time is measured rather than the looks counted. */
const LOOKS = 32;
/** Most looks in a row: clocks of some browsers stand still for long. */
const MOST_LOOKS = 1 << 16;

/** Spins until `is()` is true, for that many milliseconds at most. Returns the last value of `is()`. */
export function spin(is: () => boolean, milliseconds: number): boolean {
  const end = performance.now() + milliseconds;
  for (let looks = 0; looks < MOST_LOOKS; looks++) {
    if (is()) return true;
    if (looks % LOOKS === LOOKS - 1 && performance.now() >= end) break;
    pause();
  }
  return is();
}

/** Runs chunks until none is left to claim, and returns how many it ran. The caller and every thread run this same function. */
export function work(slots: Int32Array, args: Float64Array, lane: number, kernels: readonly CallableFunction[]): number {
  let serial: number | undefined;
  let list: number[] = [];
  let done = 0;
  while (Atomics.load(slots, slot.next) > 0) {
    const claim = Atomics.sub(slots, slot.next, 1);
    if (claim <= 0) break;
    if (slots[slot.serial] !== serial) {
      serial = slots[slot.serial];
      list = Array.from(args.subarray(0, slots[slot.argc]));
      const bytes = slots[slot.scratch] as number;
      if (bytes > 0) list[0] = (list[0] as number) + lane * bytes;
    }
    const chunks = slots[slot.chunks] as number;
    const tiles = slots[slot.tiles] as number;
    const first = slots[slot.first] as number;
    const index = chunks - claim;
    const run = kernels[slots[slot.kernel] as number] as CallableFunction;
    try {
      run(first + Math.floor((index * tiles) / chunks), first + Math.floor(((index + 1) * tiles) / chunks), ...list);
    } catch {
      Atomics.store(slots, slot.fault, 1);
    }
    done++;
    Atomics.add(slots, ranSlot(lane), 1);
    const last = Atomics.sub(slots, slot.pending, 1) === 1;
    if (last && Atomics.load(slots, slot.asleep) !== 0) Atomics.notify(slots, slot.pending);
  }
  return done;
}
