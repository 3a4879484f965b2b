/** Small requests of one kind, put together: while one batch is worked on the next gathers, so that a busy model reads its weights once for many requests, and a free one waits for nobody. */
import type { Runtime } from '../runtime/types.js';

/** Texts of a batch. */
const MOST_TEXTS = 64;

interface Waiting<T> {
  readonly texts: readonly string[];
  resolve(results: T[]): void;
  reject(error: unknown): void;
}

/** Batches for one kind of request to a model: `run` gives a result for each text. A text's result does not depend on the others. */
export class Together<T> {
  #waiting: Waiting<T>[] = [];
  #isGoing = false;

  /** `pause` gives the event loop a turn. */
  constructor(
    readonly run: (texts: readonly string[]) => Promise<readonly T[]>,
    readonly pause: () => Promise<void>,
  ) {}

  /** Results of texts. Rejects with what fails, or the signal's reason; the others' results are computed all the same. */
  add(texts: readonly string[], signal: AbortSignal): Promise<T[]> {
    signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#waiting = this.#waiting.filter((one) => one !== own);
        reject(signal.reason);
      };
      const settled =
        <V>(settle: (value: V) => void) =>
        (value: V) => {
          signal.removeEventListener('abort', leave);
          settle(value);
        };
      const own = { texts, resolve: settled(resolve), reject: settled(reject) };
      signal.addEventListener('abort', leave, { once: true });
      this.#waiting.push(own);
      if (!this.#isGoing) void this.#go();
    });
  }

  async #go(): Promise<void> {
    this.#isGoing = true;
    // Requests that arrived together begin together. A timer would take a millisecond at least, a quarter of what a short text takes.
    await this.pause();
    while (this.#waiting.length) {
      const batch = this.#next();
      try {
        const results = await this.run(batch.flatMap(({ texts }) => texts));
        let at = 0;
        for (const { texts, resolve } of batch) {
          resolve(results.slice(at, at + texts.length));
          at += texts.length;
        }
      } catch (error) {
        if (batch.length === 1) batch[0]?.reject(error);
        // Each learns what is wrong with its own texts.
        else for (const one of batch) await this.#alone(one);
      }
    }
    this.#isGoing = false;
  }

  async #alone({ texts, resolve, reject }: Waiting<T>): Promise<void> {
    try {
      resolve([...(await this.run(texts))]);
    } catch (error) {
      reject(error);
    }
  }

  /** The requests that come next: one at least, and as many as fit beside it. */
  #next(): Waiting<T>[] {
    let [count, texts] = [0, 0];
    for (const one of this.#waiting) {
      texts += one.texts.length;
      if (count > 0 && texts > MOST_TEXTS) break;
      count++;
    }
    return this.#waiting.splice(0, count);
  }
}

const known = new WeakMap<object, Map<string, Together<never>>>();

/** The batches of a model for requests with these settings. */
export function togetherFor<T>(
  model: { readonly engine: { readonly runtime: Pick<Runtime, 'pause'> } },
  settings: object,
  run: (texts: readonly string[]) => Promise<readonly T[]>,
): Together<T> {
  const kinds = known.get(model) ?? new Map<string, Together<never>>();
  known.set(model, kinds);
  const key = JSON.stringify(settings);
  const found = kinds.get(key) as Together<T> | undefined;
  if (found) return found;
  // Settings come from strangers: their number has a bound.
  if (kinds.size >= 100) kinds.clear();
  const made = new Together(run, () => model.engine.runtime.pause());
  kinds.set(key, made as unknown as Together<never>);
  return made;
}
