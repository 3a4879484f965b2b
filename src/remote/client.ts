/**
 * The page's side: models that live in a worker, as objects that look like those that live here. A call is a message and a promise. What cannot
 * cross throws and names the cure, `worker: false`. The worker ends with the last model in it, and its memory with it.
 */
import { HeedError } from '../errors.js';
import type { HostHandle } from '../runtime/types.js';
import { type Call, type Loaded, listeners, type Reply, type Request, unpack, unpackError } from './protocol.js';
import type { Servable } from './serve.js';

/** Milliseconds that a worker gets to start in. */
const START_MS = 10_000;

/** Members of a model or pipeline that stay in the worker. */
const hidden = ['engine', 'encoder', 'model', 'tokenizer'] as const;

const cannotCross = (code: 'ARGUMENT' | 'UNSUPPORTED', what: string, culprit: string) =>
  new HeedError(code, `The model runs in a worker, and ${what}`, { culprit, cure: 'Give worker: false to run it on this thread' });

interface Pending {
  resolve(value: unknown): void;
  reject(error: unknown): void;
  heard: Readonly<Record<string, (...args: unknown[]) => unknown>>;
}

type Options = Readonly<Record<string, unknown>>;

export class Remote {
  #pending = new Map<number, Pending>();
  #last = 0;
  /** Loaded or being loaded. */
  #objects = 0;
  #lost: HeedError | undefined;

  private constructor(readonly host: HostHandle) {}

  /** Waits until the worker answers. Rejects when it does not. */
  static async start(host: HostHandle): Promise<Remote> {
    const remote = new Remote(host);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ready = new Promise<void>((resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`it did not answer within ${START_MS} ms`)), START_MS);
      host.port.addEventListener('message', ({ data }) => {
        const reply = data as Reply | undefined;
        if (reply?.tell === 'ready') resolve();
        // Others may talk over the same port.
        else if (reply?.tell) remote.#hear(reply);
      });
      host.port.addEventListener('messageerror', () => remote.#lose('a message could not be read'));
    });
    try {
      host.port.postMessage({ ask: 'ready' } satisfies Request, []);
      await Promise.race([ready, host.failed]);
    } catch (error) {
      host.terminate?.();
      throw error;
    } finally {
      clearTimeout(timer);
    }
    host.failed.catch((error: unknown) => remote.#lose(error instanceof Error ? error.message : String(error)));
    return remote;
  }

  /** Whether it has ended: with its last model, or by an accident. */
  get ended(): boolean {
    return this.#lost !== undefined;
  }

  /** Loads what the worker knows by this name. */
  async load(what: string, args: readonly unknown[], options: Options): Promise<Servable> {
    this.#objects++;
    try {
      const unwanted = (value: unknown) => this.#post({ ask: 'dispose', object: (value as Loaded).object });
      const loaded = await this.#ask((id, call) => ({ ask: 'load', id, what, call }), args, options, unwanted);
      const { object, facts } = loaded as Loaded;
      return this.#proxy(object, facts);
    } catch (error) {
      this.#release();
      throw error;
    }
  }

  #proxy(object: number, facts: Options): Servable {
    let disposed = false;
    const call = (...given: unknown[]) => {
      // Options come last, and are the only argument that may hold a signal or functions.
      const [input, options = {}] = given;
      return this.#ask((id, call) => ({ ask: 'call', id, object, call }), [input], options as Options);
    };
    const dispose = () => {
      if (disposed || this.ended) return;
      disposed = true;
      this.#post({ ask: 'dispose', object });
      this.#release();
    };
    const made = Object.assign(call, facts, { call, dispose });
    for (const name of hidden)
      Object.defineProperty(made, name, {
        get() {
          throw cannotCross('UNSUPPORTED', `its ${name} cannot be reached from here`, name);
        },
      });
    return made as unknown as Servable;
  }

  /** `unwanted` gets a result that comes after an abort, which may cross the abort on its way. */
  #ask(
    request: (id: number, call: Call) => Request,
    args: readonly unknown[],
    given: Options,
    unwanted: (value: unknown) => void = () => {},
  ): Promise<unknown> {
    const id = ++this.#last;
    const { signal, ...rest } = Object(given) as Options & { signal?: AbortSignal };
    const functions = Object.entries(rest).filter(([, value]) => typeof value === 'function');
    const strange = functions.find(([name]) => !listeners.includes(name));
    const options = Object.fromEntries(Object.entries(rest).filter(([, value]) => typeof value !== 'function'));
    return new Promise((resolve, reject) => {
      if (strange) throw cannotCross('UNSUPPORTED', `the function ${strange[0]} cannot cross to it`, strange[0]);
      signal?.throwIfAborted();
      if (this.#lost) throw this.#lost;
      const abort = () => {
        this.#post({ ask: 'abort', id });
        this.#pending.set(id, { resolve: unwanted, reject: () => {}, heard: {} });
        reject(signal?.reason);
      };
      const settle = (how: (value: unknown) => void) => (value: unknown) => {
        signal?.removeEventListener('abort', abort);
        how(value);
      };
      this.#pending.set(id, {
        resolve: settle(resolve),
        reject: settle(reject),
        heard: Object.fromEntries(functions) as Pending['heard'],
      });
      try {
        this.#post(request(id, { args, options, listens: functions.map(([name]) => name) }));
      } catch (error) {
        this.#pending.delete(id);
        const why = error instanceof Error ? error.message : String(error);
        throw cannotCross('ARGUMENT', `an argument cannot cross to it (${why})`, 'options');
      }
      signal?.addEventListener('abort', abort, { once: true });
    });
  }

  #post(request: Request): void {
    this.host.port.postMessage(request, []);
  }

  #hear(reply: Reply): void {
    if (reply.tell === 'ready') return;
    const pending = this.#pending.get(reply.id);
    if (reply.tell === 'notice') {
      try {
        pending?.heard[reply.listener]?.(...reply.args);
      } catch (error) {
        // As here, where a listener that throws ends the call.
        pending?.reject(error);
        this.#pending.delete(reply.id);
        this.#post({ ask: 'abort', id: reply.id });
      }
      return;
    }
    this.#pending.delete(reply.id);
    if (reply.tell === 'result') pending?.resolve(unpack(reply.value));
    else pending?.reject(unpackError(reply.error));
  }

  #release(): void {
    if (--this.#objects > 0 || this.ended || !this.host.terminate) return;
    this.#end('it ended with its last model');
  }

  #lose(why: string): void {
    if (!this.ended) this.#end(why);
  }

  #end(why: string): void {
    this.#lost = new HeedError('ENGINE_LOST', `The worker that ran the model is gone: ${why}`, {
      culprit: 'worker',
      cure: 'Load it again',
    });
    this.host.terminate?.();
    for (const { reject } of this.#pending.values()) reject(this.#lost);
    this.#pending.clear();
  }
}
