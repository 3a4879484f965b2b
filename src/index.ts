/** The public API with every architecture. */
import { bind, type Heed } from './core.js';
import { registerArchitecture } from './models/architecture.js';
import { bart } from './models/bart.js';
import { bert } from './models/bert.js';
import { heedTransformer } from './models/heed_transformer.js';
import { marian } from './models/marian.js';
import { t5 } from './models/t5.js';
import type { Runtime } from './runtime/types.js';

export * from './core.js';

export function bindAll(runtime: Runtime): Heed {
  registerArchitecture(bert, heedTransformer, marian, bart, t5);
  return bind(runtime);
}
