/**
 * Whether threads pay. On a machine whose cores are busy with others, a thread is stopped in the middle of its chunk, for milliseconds, and the caller waits
 * for it. The caller knows what each launch took, and from its own chunks what it would have taken alone: once launches on all threads have lost
 * `DEBT` milliseconds, they run on the caller for so long that the loss is a twentieth of it, and then threads get another chance. What is computed is the
 * same either way.
 */

/** Milliseconds that threads may lose before they rest. A single stop costs about 3. */
const DEBT = 1;
/** Milliseconds of gain that count: who has gained for long is not believed for longer. */
const CREDIT = 4;
/** How many times as long as what was lost threads rest: at most this share of the time is lost to trying. */
const REST = 20;

export class Balance {
  #lost = 0;
  #restsUntil = 0;

  /** Whether threads should have the next launch. */
  pays(now: number): boolean {
    return now >= this.#restsUntil;
  }

  /** Takes note of a launch on threads, which took `together` milliseconds and would have taken the caller `alone`. */
  add(together: number, alone: number, now: number): void {
    this.#lost = Math.max(-CREDIT, this.#lost + together - alone);
    if (this.#lost < DEBT) return;
    this.#restsUntil = now + REST * this.#lost;
    this.#lost = 0;
  }
}
