/**
 * Balance of threads: decides whether they pay. On a machine whose cores are busy with other work, a thread is stopped in the middle of its chunk, for milliseconds, and the caller
 * waits for it. The caller knows the time that each launch took, and from its own chunks the time that it would have taken alone: once launches on all threads have
 * lost `DEBT` milliseconds, launches run on the caller for 20 times as long as was lost, and then threads get another chance. Results are the same either way.
 */

/** Milliseconds that threads may lose before they rest. A single stop costs about 3. */
const DEBT = 1;
/** Most milliseconds of gain that are credited: a long gain in the past must not hide a present loss. */
const CREDIT = 4;
/** Milliseconds of rest for each millisecond lost: at most a twentieth of the time is lost to trying. */
const REST = 20;

export class Balance {
  #lost = 0;
  #restsUntil = 0;

  /** `true` where threads should get the next launch. */
  pays(now: number): boolean {
    return now >= this.#restsUntil;
  }

  /** Records a launch on threads, which took `together` milliseconds and would have taken the caller `alone`. */
  add(together: number, alone: number, now: number): void {
    this.#lost = Math.max(-CREDIT, this.#lost + together - alone);
    if (this.#lost < DEBT) return;
    this.#restsUntil = now + REST * this.#lost;
    this.#lost = 0;
  }
}
