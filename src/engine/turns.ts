/**
 * Turns of the event loop: one is due after so many operations, or milliseconds, since the last. Work is counted over all calls, so that many short ones do not
 * starve the event loop either.
 */
import type { Runtime } from '../runtime/types.js';

/** Operations, and milliseconds, after which a step is followed by a turn. */
const TURN_WORK = 1e9;
const TURN_MS = 16;

export class Turns {
  /** Number of operations so far. */
  work = 0;
  #last = { work: 0, time: 0 };

  get isDue(): boolean {
    return this.work - this.#last.work >= TURN_WORK || performance.now() - this.#last.time >= TURN_MS;
  }

  /** Gives the event loop a turn. */
  async give(runtime: Runtime): Promise<void> {
    await runtime.pause();
    this.#last = { work: this.work, time: performance.now() };
  }
}
