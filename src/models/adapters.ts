/** The adapters of a model by their names, of which one at most is on. */
import { HeedError, kindOf } from '../errors.js';
import type { LoraAdapter } from './lora.js';

/** Options of `load_adapter`. */
export interface AdapterOptions {
  /** Ends the reading, which rejects with its reason. */
  signal?: AbortSignal | undefined;
}

/** Options of `add_adapter`. */
export interface NewAdapterOptions {
  /** Of what A begins with. Default 0. */
  seed?: number | undefined;
}

/** What adapters there are. */
export interface AdapterNames {
  /** The names of all. */
  readonly all: readonly string[];
  /** That of the one that is on; null where none is. */
  readonly active: string | null;
}

/** What a model can do with them, by name. */
export const adapterMethods = ['load_adapter', 'add_adapter', 'set_adapter', 'delete_adapter'] as const;

export class Adapters {
  readonly #all = new Map<string, LoraAdapter>();
  /** Those that were made here, to be trained. */
  readonly #own = new WeakSet<LoraAdapter>();
  #active: string | null = null;

  /** `detach` takes off whatever is on. */
  constructor(readonly detach: () => void) {
    const [all, active] = [() => [...this.#all.keys()], () => this.#active];
    this.names = {
      get all() {
        return all();
      },
      get active() {
        return active();
      },
    };
  }

  /** As they are now, whenever they are looked at. */
  readonly names: AdapterNames;

  /** Throws ARGUMENT for a name that there is already, or that is none. */
  expectNew(name: unknown): void {
    if (typeof name !== 'string' || name === '')
      throw new HeedError('ARGUMENT', `The name of an adapter is ${kindOf(name)}`, { culprit: 'name', cure: 'Give a text' });
    if (this.#all.has(name))
      throw new HeedError('ARGUMENT', `There is an adapter ${kindOf(name)} already`, {
        culprit: 'name',
        cure: 'Give another name, or delete_adapter before',
      });
  }

  /** Keeps one, and puts it on. One whose name was taken meanwhile is freed. */
  put(name: string, adapter: LoraAdapter, isOwn = false): LoraAdapter {
    try {
      this.expectNew(name);
    } catch (error) {
      adapter.dispose();
      throw error;
    }
    if (isOwn) this.#own.add(adapter);
    this.#all.set(name, adapter);
    this.set(name);
    return adapter;
  }

  /** Whether the one that is on was made here, and may be trained at any time. */
  get isOwn(): boolean {
    const adapter = this.#all.get(this.#active ?? '');
    return adapter !== undefined && this.#own.has(adapter);
  }

  /** Throws ARGUMENT for a name that there is not. */
  set(name: string | null): void {
    if (name === null) this.detach();
    else this.#of(name).attach();
    this.#active = name;
  }

  /** Throws ARGUMENT for a name that there is not. */
  delete(name: string): void {
    const adapter = this.#of(name);
    if (this.#active === name) this.set(null);
    this.#all.delete(name);
    adapter.dispose();
  }

  #of(name: string): LoraAdapter {
    const found = this.#all.get(name);
    if (found) return found;
    throw new HeedError('ARGUMENT', `There is no adapter ${kindOf(name)}`, {
      culprit: 'name',
      cure: `There ${this.#all.size ? `are ${[...this.#all.keys()].join(', ')}` : 'is none: load_adapter loads one'}`,
    });
  }

  dispose(): void {
    this.detach();
    for (const adapter of this.#all.values()) adapter.dispose();
    this.#all.clear();
    this.#active = null;
  }
}
