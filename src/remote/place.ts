/**
 * Location of models: on this thread or, for a page, in a worker; on a shared engine, a given one, or one of their own. Where a page cannot have its
 * worker, models live here, and their `info.reason` says why.
 */
import { Engine, type EngineInfo, type EngineOptions } from '../engine/engine.js';
import { HeedError, kindOf } from '../errors.js';
import type { Source } from '../io/find.js';
import { transfersIn } from '../io/given.js';
import type { PretrainedOptions } from '../models/options.js';
import type { HostHandle, Port, Runtime } from '../runtime/types.js';
import { Remote } from './client.js';
import type { Hosted, Loaders } from './host.js';

type Where = Pick<PretrainedOptions, 'engine'>;

export class Place {
  #shared: Promise<Engine> | undefined;
  #remote: Promise<Remote> | undefined;
  #ports = new WeakMap<Port, Promise<Remote>>();

  constructor(
    readonly runtime: Runtime,
    /** Options of the engines that models without one get. */
    readonly defaults: () => EngineOptions | undefined = () => undefined,
  ) {}

  /** Loads a model with one of the loaders, here or in a worker. `args` precede the model. */
  async load(what: string, args: readonly unknown[], model: Source, options: PretrainedOptions, here: Loaders): Promise<unknown> {
    const { worker, ...rest } = options;
    const port = portOf(worker);
    const loadHere = async () => (await here[what]?.(...([...args, model, rest] as never[]))) as Hosted;
    const { engine } = rest;
    const given = engine instanceof Engine;
    if (!(worker ?? (this.runtime.drawsPage() && !given))) return loadHere();
    if (given)
      throw new HeedError('ARGUMENT', 'A model cannot run in a worker and on an engine of this thread', {
        culprit: 'engine',
        cure: 'Give worker: false, or the options of an engine instead of an engine',
      });
    let remote: Remote;
    try {
      // A worker may end, with its last model, while another load waits for it.
      do remote = await (port ? this.#remoteAt(port) : this.#ownRemote());
      while (remote.ended);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      if (worker !== undefined)
        throw new HeedError('UNSUPPORTED', `Models cannot run in a worker here: ${why}`, { culprit: 'worker', cure: 'Give worker: false' });
      const made = await loadHere();
      const { info } = made as unknown as { info: EngineInfo };
      const reason = [info.reason, `models run on this thread, since their worker did not start: ${why}`].filter(Boolean).join('; ');
      return Object.assign(made, { info: { ...info, reason } });
    }
    // Signals stay on this side.
    const { signal, ...own } = engine ?? {};
    const signals = [rest.signal, signal].filter((one) => one !== undefined);
    const crossing = {
      ...rest,
      engine: engine ? own : this.defaults(),
      signal: signals.length > 1 ? AbortSignal.any(signals) : signals[0],
    };
    return remote.load(what, [...args, model], crossing, transfersIn(model.files ?? {}));
  }

  /** Calls `load` with the engine that the options ask for. */
  async onEngine<T extends { dispose(): void }>({ engine }: Where, load: (engine: Engine) => Promise<T>): Promise<T> {
    if (engine === undefined) return load(await this.sharedEngine());
    if (engine instanceof Engine) return load(engine);
    const own = await Engine.create(this.runtime, engine);
    try {
      const made = await load(own);
      const { dispose } = made;
      return Object.assign(made, {
        dispose() {
          dispose();
          own.dispose();
        },
      });
    } catch (error) {
      await own.dispose();
      throw error;
    }
  }

  /** Starts the engine that models share, or returns it. */
  sharedEngine(): Promise<Engine> {
    const create = () => Engine.create(this.runtime, this.defaults());
    // A shared engine that was disposed of is replaced for the next model.
    const engine = this.#shared?.then((known) => (known.disposed ? create() : known)) ?? create();
    this.#shared = engine;
    engine.catch(() => {
      this.#shared = undefined;
    });
    return engine;
  }

  #ownRemote(): Promise<Remote> {
    const start = async () => Remote.start(this.runtime.startHost());
    const remote = this.#remote?.then((known) => (known.ended ? start() : known)) ?? start();
    this.#remote = remote;
    remote.catch(() => {
      this.#remote = undefined;
    });
    return remote;
  }

  /** Connects to a user's worker, which only the user ends. */
  #remoteAt(port: Port): Promise<Remote> {
    const host: HostHandle = { port, failed: failureOf(port), terminate: undefined };
    const known = this.#ports.get(port) ?? Remote.start(host);
    this.#ports.set(port, known);
    known.catch(() => this.#ports.delete(port));
    return known;
  }
}

/** Port of a given worker; undefined where heed decides about a worker of its own. */
function portOf(worker: boolean | Port | undefined): Port | undefined {
  if (worker === undefined || typeof worker === 'boolean') return undefined;
  if (typeof worker?.postMessage === 'function' && typeof worker.addEventListener === 'function') return worker;
  throw new HeedError('ARGUMENT', `worker is ${kindOf(worker)}`, {
    culprit: 'worker',
    cure: 'Give true, false, a Worker or a MessagePort',
  });
}

const failureOf = (port: Port) =>
  new Promise<never>((_, reject) => {
    port.addEventListener('error', (event) => reject(new Error(event.message || 'its script did not load')));
  });
