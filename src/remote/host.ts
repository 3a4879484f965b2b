/**
 * The worker's side: loads models and runs them for the other end of a port. An abort reaches a load or a call through a signal of its own; a model that is loaded
 * after an abort is disposed of.
 */
import { HeedError, kindOf } from '../errors.js';
import { gone } from '../models/model.js';
import type { Port } from '../runtime/types.js';
import { type Call, type Loaded, methods, pack, packError, type Reply, type Request } from './protocol.js';
import { Referents } from './references.js';

/** A model or pipeline: callable, with properties that can be copied. */
export interface Hosted {
  (...args: never[]): Promise<unknown>;
  /** Number of arguments of a call before its options. Default 1. */
  readonly inputs?: number;
  dispose(): void;
}

/** Loaders by name; their arguments are the user's, options last. */
export type Loaders = Readonly<Record<string, (...args: never[]) => Promise<Hosted>>>;

/** Properties that are copied to the page. */
const facts = ['task', 'config', 'generation_config', 'labels', 'sentence', 'info', 'reads'];

/** Answers requests at a port from now on. */
export function hostModels(loaders: Loaders, port: Port): void {
  if (typeof port?.postMessage !== 'function' || typeof port.addEventListener !== 'function')
    throw new HeedError('ARGUMENT', `hostModels: port is ${kindOf(port)}`, { culprit: 'port', cure: "Call it in a browser's worker" });
  const objects = new Map<number, Hosted>();
  const referents = new Referents(objects);
  const aborts = new Map<number, AbortController>();
  let last = 0;

  const send = (reply: Reply, transfer: readonly ArrayBuffer[] = []) => port.postMessage(reply, [...transfer]);

  /** Rebuilds a user's arguments, with a signal and listeners of this side. */
  const argumentsOf = (id: number, { args, options, listens }: Call, signal: AbortSignal): never[] => {
    const heard: Record<string, unknown> = {};
    for (const listener of listens) {
      const tell = (...args: unknown[]) => send({ tell: 'notice', id, listener, args });
      const [name = '', method] = listener.split('.');
      heard[name] = method === undefined ? tell : Object.assign(Object(heard[name]), { [method]: tell });
    }
    return [...args, { ...referents.in(options), signal, ...heard }] as never[];
  };

  async function load(what: string, args: never[], signal: AbortSignal): Promise<Loaded> {
    const loader = Object.hasOwn(loaders, what) ? loaders[what] : undefined;
    if (!loader)
      throw new HeedError('UNSUPPORTED', `This worker loads no ${what}`, { culprit: what, cure: 'Take both from the same version' });
    const made = await loader(...args);
    if (signal.aborted) made.dispose();
    signal.throwIfAborted();
    objects.set(++last, made);
    const members = made as unknown as Record<string, unknown>;
    return {
      object: last,
      facts: Object.fromEntries(facts.filter((name) => name in members).map((name) => [name, members[name]])),
      methods: [...Object.keys(methods), 'stream'].filter((name) => typeof members[name] === 'function'),
      inputs: made.inputs ?? 1,
    };
  }

  function call(object: number, method: string | undefined, args: never[]): Promise<unknown> {
    const target = objects.get(object);
    if (!target) throw gone();
    if (method === undefined) return target(...args);
    const own = Object.hasOwn(methods, method) ? (target as unknown as Record<string, unknown>)[method] : undefined;
    if (typeof own === 'function') return own(...args);
    throw new HeedError('UNSUPPORTED', `This model has no ${method}`, { culprit: method, cure: 'Take both from the same version' });
  }

  async function answer(id: number, work: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
    const abort = new AbortController();
    aborts.set(id, abort);
    try {
      const transfer = new Set<ArrayBuffer>();
      const value = pack(await work(abort.signal), transfer);
      send({ tell: 'result', id, value }, [...transfer]);
    } catch (error) {
      send({ tell: 'error', id, error: packError(error) });
    } finally {
      aborts.delete(id);
    }
  }

  port.addEventListener('message', ({ data }) => {
    const request = data as Request | undefined;
    switch (request?.ask) {
      case 'ready':
        return send({ tell: 'ready' });
      case 'load':
        return void answer(request.id, (signal) => load(request.what, argumentsOf(request.id, request.call, signal), signal));
      case 'call':
        return void answer(request.id, async (signal) =>
          call(request.object, request.method, argumentsOf(request.id, request.call, signal)),
        );
      case 'abort':
        return aborts.get(request.id)?.abort();
      case 'dispose':
        objects.get(request.object)?.dispose();
        objects.delete(request.object);
    }
  });
  port.start?.();
}
