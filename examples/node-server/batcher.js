/**
 * Makes one call of many: what is asked for while a call runs waits, and goes into the next one together, which takes less time than a call for each.
 * Who no longer wants an answer says so by a signal, and is left out; the call that runs stops when nobody wants any of it.
 */

/** @typedef {{ texts: string[], signal: AbortSignal, resolve(rows: number[][]): void, reject(reason: unknown): void }} Job */

export class Batcher {
  /** @type {Job[]} */
  #jobs = [];
  #busy = false;
  #call;
  #most;

  /**
   * `call` gives a row for each text. It gets at most `most` texts, but for a single job with more.
   * @param {(texts: string[], signal: AbortSignal) => Promise<number[][]>} call @param {number} most
   */
  constructor(call, most) {
    this.#call = call;
    this.#most = most;
  }

  /** How many texts wait for their turn. */
  get waiting() {
    return this.#jobs.reduce((sum, { texts }) => sum + texts.length, 0);
  }

  /** A row for each text; rejects with `signal.reason` after an abort. @param {string[]} texts @param {AbortSignal} signal @returns {Promise<number[][]>} */
  run(texts, signal) {
    return new Promise((resolve, reject) => {
      const job = { texts, signal, resolve, reject };
      const leave = () => {
        this.#jobs = this.#jobs.filter((other) => other !== job);
        reject(signal.reason);
      };
      if (signal.aborted) return leave();
      signal.addEventListener('abort', leave, { once: true });
      this.#jobs.push(job);
      if (!this.#busy) this.#drain();
    });
  }

  async #drain() {
    this.#busy = true;
    while (this.#jobs.length) await this.#answer(this.#next());
    this.#busy = false;
  }

  /** Those that have waited longest. */
  #next() {
    let [count, texts] = [0, 0];
    for (const job of this.#jobs) {
      texts += job.texts.length;
      if (count > 0 && texts > this.#most) break;
      count++;
    }
    return this.#jobs.splice(0, count);
  }

  /** @param {Job[]} jobs */
  async #answer(jobs) {
    const stop = new AbortController();
    const stopIfUnwanted = () => jobs.every(({ signal }) => signal.aborted) && stop.abort();
    for (const { signal } of jobs) signal.addEventListener('abort', stopIfUnwanted, { once: true });
    try {
      const rows = await this.#call(
        jobs.flatMap(({ texts }) => texts),
        stop.signal,
      );
      for (const { texts, resolve } of jobs) resolve(rows.splice(0, texts.length));
    } catch (error) {
      for (const { reject } of jobs) reject(error);
    }
  }
}
