/** What checks are made of. They use no test framework: they run in browsers and in Nodes that vitest does not support. */
import type * as heed from 'heed';

export type Heed = typeof heed;

/** Where the suite runs, and what heed must find there. */
export interface Env {
  readonly runtime: string;
  /** Can threads be had? */
  readonly threads: boolean;
  /** Does the runtime have relaxed SIMD? */
  readonly relaxed: boolean;
  /** The path or URL of something in test/fixtures. */
  locate(path: string): string;
}

export interface Result {
  name: string;
  /** Why it failed; undefined where it passed. */
  error?: string;
}

/** A check passes when it returns. */
export type Check = (heed: Heed, env: Env) => void | Promise<void>;
export type Checks = Readonly<Record<string, Check>>;

export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(message);
}

/** What a promise rejects with, or what a function throws. */
export async function thrownBy(what: () => unknown): Promise<unknown> {
  try {
    await what();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

/** Fails unless `what` throws a HeedError of this code. */
export async function assertHeedError({ HeedError }: Heed, code: heed.ErrorCode, what: () => unknown): Promise<void> {
  const error = await thrownBy(what);
  assert(error instanceof HeedError && error.code === code, `not ${code} was thrown, but ${error}`);
}
