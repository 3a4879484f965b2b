/** The public API with every architecture. */
import { bind, type Heed } from './core.js';
import { registerArchitecture } from './models/architecture.js';
import { bert } from './models/bert.js';
import type { Runtime } from './runtime/types.js';

export * from './core.js';

export function bindAll(runtime: Runtime): Heed {
  registerArchitecture(bert);
  return bind(runtime);
}
