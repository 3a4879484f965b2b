/**
 * Reference values and models that are too large for this repository lie in `shared`, beside its clone. Tests that need
 * one are skipped without it, unless HEED_REQUIRE_SHARED is set: then they fail.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { it } from 'vitest';

/** The path of a file or folder in `shared`. */
export const shared = (path: string): string => fileURLToPath(new URL(`../../shared/${path}`, import.meta.url));

/** `it` for tests that read `path` in `shared`. */
export function itWith(path: string): typeof it | typeof it.skip {
  return existsSync(shared(path)) || process.env.HEED_REQUIRE_SHARED ? it : it.skip;
}
