/** A runtime that the suite can be run in. */
import { fileURLToPath } from 'node:url';
import type { Result } from './suite.js';

export interface Runner {
  readonly name: string;
  /** Why it cannot run here, with the cure; undefined where it can. */
  missing(): string | undefined;
  run(): Promise<Result[]>;
}

/** The repository. */
export const root = fileURLToPath(new URL('../../', import.meta.url));
