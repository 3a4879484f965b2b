/**
 * The page's side: proxies of models that live in a worker, which look like models that live here. A call is a message and a promise. An argument that cannot cross
 * throws and names the cure, `worker: false`. The worker ends a second after its last model, and its memory with it.
 */
import { expectOptions, expectSignal, HeedError } from '../errors.js';
import { namedIds } from '../models/inputs.js';
import { gone } from '../models/model.js';
import type { HostHandle } from '../runtime/types.js';
import type { Hosted } from './host.js';
import { type Call, type Loaded, listeners, methods, namesOf, type Reply, type Request, unpack, unpackError } from './protocol.js';
import { References, stays } from './references.js';

/** Milliseconds that a worker gets to start in. */
const START_MS = 10_000;
/** Milliseconds that a worker stays behind its last model: who gives up one often loads the next, and a start takes half a second. */
const LINGER_MS = 1000;

/** Members of a model or pipeline that stay in the worker. */
const hidden = ['engine', 'encoder', 'module', 'model', 'tokenizer', 'processor', 'ears', 'adapters', 'add_adapter'] as const;

/** What helps beside a model on this thread. */
const cures: Readonly<Record<string, string>> = {
  tokenizer: 'Load one here by AutoTokenizer.from_pretrained, or g',
  assistant_model: 'Load it into the same worker, or g',
  past_key_values: 'Take a pipeline, which remembers what it has read, or g',
  response_format: 'Give the format as plain data beside the tokenizer, or g',
};

const cannotCross = (code: 'ARGUMENT' | 'UNSUPPORTED', what: string, culprit: string) => {
  const own = cures[culprit] ?? 'G';
  return new HeedError(code, `The model runs in a worker, and ${what}`, {
    culprit,
    cure: `${own}ive worker: false to run the model on this thread`,
  });
};

/** What crosses in place of pictures and sounds: files.ts, where a program has tasks. A bundle without them holds none of it. */
let files: ((given: unknown) => unknown) | undefined;
export const registerFiles = (how: typeof files): void => {
  files = how;
};

interface Pending {
  /** Receives a result that comes after the caller has given up. */
  unwanted(value: unknown): void;
  resolve(value: unknown): void;
  reject(error: unknown): void;
  heard: Readonly<Record<string, (...args: unknown[]) => unknown>>;
}

type Options = Readonly<Record<string, unknown>>;

/** Makes a method of what else can be called. */
export type Composer = (made: Hosted) => (...given: unknown[]) => unknown;

/** Methods that no message is: a page makes them of others, of objects that have them. */
const composed = new Map<string, Composer>();

/** Registers a method for objects in workers that have it there. */
export const registerComposed = (name: string, compose: Composer): void => void composed.set(name, compose);

export class Remote {
  #pending = new Map<number, Pending>();
  /** Callbacks that wait for the worker's first answer. */
  #ready: (() => void)[] = [];
  #last = 0;
  /** Number of objects that are loaded or being loaded. */
  #objects = 0;
  #lost: HeedError | undefined;
  #ending: ReturnType<typeof setTimeout> | undefined;
  readonly #references = new References();

  private constructor(readonly host: HostHandle) {}

  /** Connects to a worker once it answers. Rejects when it does not. */
  static async start(host: HostHandle): Promise<Remote> {
    const remote = new Remote(host);
    host.port.addEventListener('message', ({ data }) => {
      // Other code may use the same port.
      const reply = data as Reply | undefined;
      if (reply?.tell) remote.#hear(reply);
    });
    host.port.addEventListener('messageerror', () => remote.#lose('a message could not be read'));
    host.port.start?.();
    try {
      await Promise.race([remote.#answers(), host.failed]);
    } catch (error) {
      host.terminate?.();
      throw error;
    }
    // A user's own worker may fail at other work, and live on.
    host.failed.catch((error: unknown) => host.terminate && remote.#lose(error instanceof Error ? error.message : String(error)));
    return remote;
  }

  /** Waits for the worker's answer; rejects when it takes too long. */
  #answers(): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`it did not answer within ${START_MS} ms`)), START_MS);
      this.#ready.push(() => {
        clearTimeout(timer);
        resolve();
      });
      this.#post({ ask: 'ready' });
    });
  }

  /** `true` once the worker has ended: with its last model, or by a failure. */
  get ended(): boolean {
    return this.#lost !== undefined;
  }

  /** Loads an object by a name that the worker knows. */
  async load(what: string, args: readonly unknown[], options: Options, transfer: readonly object[] = []): Promise<Hosted> {
    this.#objects++;
    clearTimeout(this.#ending);
    try {
      // The end of a user's own worker is not reported.
      if (!this.host.terminate) await this.#answers();
      const unwanted = (value: unknown) => this.#post({ ask: 'dispose', object: (value as Loaded).object });
      const loaded = await this.#ask((id, call) => ({ ask: 'load', id, what, call }), args, options, unwanted, transfer);
      return this.#proxy(loaded as Loaded);
    } catch (error) {
      this.#release();
      throw error;
    }
  }

  #proxy({ object, facts, methods: known, inputs }: Loaded): Hosted {
    let disposed = false;
    // Options come last, and are the only argument that may hold a signal or functions.
    const ask = async (method: string | undefined, args: readonly unknown[], options: unknown = {}) => {
      if (disposed) throw gone();
      const named = method === undefined ? {} : { method };
      return this.#ask((id, call) => ({ ask: 'call', id, object, ...named, call }), args, options as Options);
    };
    const call = async (...given: unknown[]) => {
      const args = given.slice(0, inputs);
      return ask(undefined, files && facts.reads === 'files' ? [files(args[0]), ...args.slice(1)] : args, given[inputs]);
    };
    const others = known
      .filter((method) => Object.hasOwn(methods, method))
      .map((method) => {
        const before = methods[method] ?? 0;
        const options = (given: unknown) => (method === 'generate' ? namedIds(given as object) : given);
        return [method, (...given: unknown[]) => ask(method, given.slice(0, before), options(given[before]))];
      });
    const dispose = () => {
      if (disposed) return;
      disposed = true;
      if (this.ended) return;
      this.#post({ ask: 'dispose', object });
      this.#release();
    };
    const made = Object.assign(call, facts, Object.fromEntries(others), { call, dispose });
    for (const [name, compose] of composed) if (known.includes(name)) Object.assign(made, { [name]: compose(made as unknown as Hosted) });
    this.#references.put(made, object);
    for (const name of hidden)
      Object.defineProperty(made, name, {
        get() {
          throw cannotCross('UNSUPPORTED', `its ${name} cannot be reached from here`, name);
        },
      });
    return made as unknown as Hosted;
  }

  /** Sends a request, and resolves with its reply. `unwanted` receives a result that comes after an abort: the two may cross on their way. */
  #ask(
    request: (id: number, call: Call) => Request,
    args: readonly unknown[],
    given: Options,
    unwanted: (value: unknown) => void = () => {},
    transfer: readonly object[] = [],
  ): Promise<unknown> {
    const id = ++this.#last;
    expectOptions(given, 'The model');
    const { signal, ...rest } = given as Options & { signal?: AbortSignal };
    expectSignal(signal);
    const { heard, options, strange } = parted(rest);
    return new Promise((resolve, reject) => {
      const references = strange.map(([name, value]) => {
        const reference = this.#references.of(value);
        if (reference) return [name, reference] as const;
        throw cannotCross('UNSUPPORTED', `the ${typeof value === 'function' ? 'function ' : ''}${name} cannot cross to it`, name);
      });
      signal?.throwIfAborted();
      if (this.#lost) throw this.#lost;
      const abort = () => {
        this.#abandon(id);
        reject(signal?.reason);
      };
      const settle = (how: (value: unknown) => void) => (value: unknown) => {
        signal?.removeEventListener('abort', abort);
        how(value);
      };
      this.#pending.set(id, {
        unwanted,
        resolve: settle(resolve),
        reject: settle(reject),
        heard,
      });
      try {
        const crossing = { ...options, ...Object.fromEntries(references) };
        this.#post(request(id, { args, options: crossing, listens: Object.keys(heard) }), transfer);
        for (const [i, [, reference]] of references.entries()) this.#references.sent(strange[i]?.[1] as object, reference);
      } catch (error) {
        this.#pending.delete(id);
        const why = error instanceof Error ? error.message : String(error);
        throw cannotCross('ARGUMENT', `what it is given cannot cross to it (${why})`, 'arguments');
      }
      signal?.addEventListener('abort', abort, { once: true });
    });
  }

  /** Abandons a call, whose result may be on its way. */
  #abandon(id: number): void {
    const { unwanted } = this.#pending.get(id) as Pending;
    this.#pending.set(id, { unwanted, resolve: unwanted, reject: () => {}, heard: {} });
    this.#post({ ask: 'abort', id });
  }

  #post(request: Request, transfer: readonly object[] = []): void {
    this.host.port.postMessage(request, transfer as ArrayBuffer[]);
  }

  #hear(reply: Reply): void {
    if (reply.tell === 'ready') {
      for (const tell of this.#ready.splice(0)) tell();
      return;
    }
    const pending = this.#pending.get(reply.id);
    if (reply.tell === 'notice') {
      try {
        pending?.heard[reply.listener]?.(...reply.args);
      } catch (error) {
        // A listener that throws ends the call, as without a worker.
        this.#abandon(reply.id);
        pending?.reject(error);
      }
      return;
    }
    this.#pending.delete(reply.id);
    if (reply.tell === 'result') pending?.resolve(unpack(reply.value));
    else pending?.reject(unpackError(reply.error));
  }

  #release(): void {
    if (--this.#objects > 0 || this.ended || !this.host.terminate) return;
    this.#ending = setTimeout(() => this.#end('it ended with its last model'), LINGER_MS);
  }

  #lose(why: string): void {
    if (!this.ended) this.#end(why);
  }

  #end(why: string): void {
    this.#lost = new HeedError('ENGINE_LOST', `The worker that ran the model is gone: ${why}`, {
      culprit: 'worker',
      cure: 'Load it again',
    });
    clearTimeout(this.#ending);
    this.host.terminate?.();
    for (const { reject } of this.#pending.values()) reject(this.#lost);
    this.#pending.clear();
  }
}

/** Splits options into those that cross, listeners by their names in messages, and those that cannot cross as they are. */
function parted(given: Options): { options: Options; heard: Pending['heard']; strange: readonly (readonly [string, object])[] } {
  const options: Record<string, unknown> = {};
  const heard: Record<string, (...args: unknown[]) => unknown> = {};
  const strange: [string, object][] = [];
  for (const [name, value] of Object.entries(given)) {
    const listening = Object.hasOwn(listeners, name) ? namesOf(name) : [];
    const own = Object(value) as Readonly<Record<string, unknown>>;
    const functions = listeners[name]?.map((method) => own[method]) ?? [value];
    const isFunction = (one: unknown) => typeof one === 'function';
    // A method that it may do without is not there; whether it has all others is for the other side to say.
    if (listening.length && functions.some(isFunction) && functions.every((one) => one === undefined || isFunction(one))) {
      for (const [i, key] of listening.entries())
        if (functions[i]) heard[key] = (...args) => (functions[i] as (typeof heard)[string]).apply(value, args);
    } else if (stays(name, value)) strange.push([name, Object(value)]);
    else options[name] = value;
  }
  return { options, heard, strange };
}
