/** The event loop's turns: after so much work, or so long, since the last one. Counted over all calls, so that many short ones starve nobody either. */
import type { Runtime } from '../runtime/types.js';

/** A step of this many operations or milliseconds is followed by a turn. */
const TURN_WORK = 1e9;
const TURN_MS = 16;

export class Turns {
  /** Operations so far. */
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
