/**
 * Storages that are freed together, except those that a result still needs. `engine.scope` opens a scope around a function; a forward pass in steps keeps one
 * from step to step.
 */
import { Storage } from './memory.js';

export class Scope {
  #storages: Storage[] = [];
  constructor(readonly parent: Scope | undefined) {}

  get isEmpty(): boolean {
    return this.#storages.length === 0;
  }

  own(storage: Storage): void {
    this.#storages.push(storage);
  }

  /** Frees all storages except those in `kept`, which go to the scope `to`, or, without one, to their holders. */
  end(kept: ReadonlySet<Storage>, to: Scope | undefined): void {
    const storages = this.#storages;
    this.#storages = [];
    for (const storage of storages) {
      if (!kept.has(storage)) storage.free();
      else to?.own(storage);
    }
  }
}

/** Storages that a value reaches, however deep: of tensors, and of arrays, sets, maps and plain objects of tensors. */
export function storagesIn(value: unknown): ReadonlySet<Storage> {
  const own = storageOf(value);
  if (own) return new Set([own]);
  const found = new Set<Storage>();
  const seen = new Set<object>();
  const rest: object[] = [];
  const see = (item: unknown) => {
    if (typeof item !== 'object' || item === null || ArrayBuffer.isView(item) || seen.has(item)) return;
    seen.add(item);
    rest.push(item);
  };
  see(value);
  for (let item = rest.pop(); item; item = rest.pop()) {
    const storage = storageOf(item);
    if (storage) found.add(storage);
    else for (const member of membersOf(item)) see(member);
  }
  return found;
}

/** Storage that an item is, or the storage of a tensor or matrix; undefined for any other. */
function storageOf(item: unknown): Storage | undefined {
  const storage = item instanceof Storage ? item : (item as { storage?: unknown } | null | undefined)?.storage;
  return storage instanceof Storage ? storage : undefined;
}

function* membersOf(item: object): Iterable<unknown> {
  if (item instanceof Map) for (const pair of item) yield* pair;
  else if (item instanceof Set) yield* item;
  else yield* Object.values(item);
}
