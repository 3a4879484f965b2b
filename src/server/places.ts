/**
 * The places of a model: how many texts it writes, or reads, at once. A request takes places before its work and gives them back after it, whatever ends it; beyond the places
 * requests wait in order of arrival, and beyond a bound they are refused at once, with the seconds after which another attempt makes sense.
 */
import { ApiError } from './errors.js';

interface Waiting {
  readonly count: number;
  enter(): void;
}

/** Share of the newest duration in the mean. */
const NEWEST = 0.2;

export class Places {
  #taken = 0;
  #waiting: Waiting[] = [];
  /** Milliseconds for which a request keeps its places, on average. */
  #duration = 1000;

  constructor(
    /** Number of places. */
    readonly total: number,
    /** Requests that may wait. */
    readonly queue: number,
  ) {}

  /** Number of places that are taken. */
  get taken(): number {
    return this.#taken;
  }

  /** Number of requests that wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Takes places, as soon as as many are free; the result gives them back. Rejects with 429 where too many wait, 400 for more places than there are, or the signal's reason. */
  async take(count: number, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    if (count > this.total)
      throw new ApiError(400, `n is ${count}, and this server writes ${this.total} texts at once at most`, { param: 'n' });
    if (this.#waiting.length || this.#taken + count > this.total) await this.#turn(count, signal);
    else this.#taken += count;
    const begin = performance.now();
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#duration += NEWEST * (performance.now() - begin - this.#duration);
      this.#taken -= count;
      this.#admit();
    };
  }

  #turn(count: number, signal: AbortSignal): Promise<void> {
    if (this.#waiting.length >= this.queue) {
      const rounds = Math.ceil((this.#waiting.length + 1) / this.total);
      const retryAfter = Math.max(1, Math.ceil((rounds * this.#duration) / 1000));
      throw new ApiError(429, 'The server is busy, and its queue is full', { code: 'queue_full', retryAfter });
    }
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#waiting = this.#waiting.filter((one) => one !== own);
        reject(signal.reason);
        // Others that wanted fewer places may have waited for this one alone.
        this.#admit();
      };
      const own = {
        count,
        enter() {
          signal.removeEventListener('abort', leave);
          resolve();
        },
      };
      signal.addEventListener('abort', leave, { once: true });
      this.#waiting.push(own);
    });
  }

  #admit(): void {
    for (;;) {
      const [next] = this.#waiting;
      if (!next || this.#taken + next.count > this.total) return;
      this.#waiting.shift();
      this.#taken += next.count;
      next.enter();
    }
  }
}
