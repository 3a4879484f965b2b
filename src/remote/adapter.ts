/** `load_adapter` of a model in a worker: the page says what a name stands for, since the hub's settings are the page's. */
import { type Hub, type ModelSource, sourceOf } from '../io/find.js';
import type { Runtime } from '../runtime/types.js';
import type { Composer } from './client.js';

export const adapterOf =
  (runtime: Runtime, hub: Hub): Composer =>
  (made) => {
    const { load_adapter: load } = made as unknown as Record<'load_adapter', (...given: unknown[]) => Promise<void>>;
    return async (adapter: unknown, ...rest: unknown[]) => load(await sourceOf(runtime, adapter as ModelSource, {}, hub), ...rest);
  };
