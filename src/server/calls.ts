/** Requests in progress, which the end of a server waits for. */
import type { Call } from './call.js';
import { ApiError } from './errors.js';

export class Calls {
  readonly #running = new Set<Call>();
  #isClosing = false;
  #idle: (() => void) | undefined;

  /** Number of requests that run. */
  get running(): number {
    return this.#running.size;
  }

  /** Counts a request until its end. */
  add(call: Call): void {
    this.#running.add(call);
    call.atEnd(() => {
      this.#running.delete(call);
      if (!this.#running.size) this.#idle?.();
    });
  }

  /** Throws 503 once the server closes. */
  expectOpen(): void {
    if (this.#isClosing) throw new ApiError(503, 'The server is shutting down', { retryAfter: 5 });
  }

  /** Lets no further request in, and waits for those that run; after some seconds they are aborted. */
  async close(grace: number): Promise<void> {
    this.#isClosing = true;
    const timer = setTimeout(() => {
      for (const call of this.#running) call.abort(new ApiError(503, 'The server is shutting down'));
    }, grace * 1000);
    await new Promise<void>((resolve) => {
      this.#idle = resolve;
      if (!this.#running.size) resolve();
    });
    clearTimeout(timer);
  }
}
