/** The adapters of a model by their names, of which at most one is active. */
import { HeedError, kindOf } from '../errors.js';
import type { LoraAdapter } from './lora.js';

/** Options of `load_adapter`. */
export interface AdapterOptions {
  /** Aborts the reading, which rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** Options of `add_adapter`. */
export interface NewAdapterOptions {
  /** Seed of the random numbers that A begins with. Default 0. */
  seed?: number | undefined;
}

/** Names of a model's adapters. */
export interface AdapterNames {
  /** Names of all adapters. */
  readonly all: readonly string[];
  /** Name of the active adapter; null where none is active. */
  readonly active: string | null;
}

/** Methods of a model that deal with adapters. */
export const adapterMethods = ['load_adapter', 'add_adapter', 'set_adapter', 'delete_adapter'] as const;

export class Adapters {
  readonly #all = new Map<string, LoraAdapter>();
  /** Adapters that were made here, for training. */
  readonly #own = new WeakSet<LoraAdapter>();
  #active: string | null = null;

  /** `detach` deactivates any active adapter. */
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

  /** Current names. */
  readonly names: AdapterNames;

  /** Throws ARGUMENT for a name that is in use, or that is no name. */
  expectNew(name: unknown): void {
    if (typeof name !== 'string' || name === '')
      throw new HeedError('ARGUMENT', `The name of an adapter is ${kindOf(name)}`, { culprit: 'name', cure: 'Give a text' });
    if (this.#all.has(name))
      throw new HeedError('ARGUMENT', `There is an adapter ${kindOf(name)} already`, {
        culprit: 'name',
        cure: 'Give another name, or delete_adapter before',
      });
  }

  /** Adds an adapter and activates it. An adapter whose name was taken meanwhile is freed. */
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

  /** `true` where the active adapter was made here, and may be trained at any time. */
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
