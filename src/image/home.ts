/** Where pictures are read and resized: the runtime's files and network, and an engine. Each entry sets it. */
import type { Engine } from '../engine/engine.js';
import { HeedError } from '../errors.js';
import type { Runtime } from '../runtime/types.js';

/** Runtime and engine of pictures. */
export interface ImageHome {
  readonly runtime: Runtime;
  /** Starts an engine, or returns the one that models share. */
  engine(): Promise<Engine>;
}

let home: ImageHome | undefined;

/** Sets where pictures are read and resized. */
export function setImageHome(given: ImageHome): void {
  home = given;
}

/** Returns where pictures are read and resized. */
export function imageHome(): ImageHome {
  if (home) return home;
  throw new HeedError('UNSUPPORTED', 'No runtime is bound to pictures', {
    culprit: 'RawImage',
    cure: 'RawImage is an export of heed, not of heed/core',
  });
}
