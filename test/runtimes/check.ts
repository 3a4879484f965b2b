/** What programs and checks are made of. They use no test framework: they run in browsers and in Nodes that vitest does not support. */
import type * as heed from 'heed';

export type Heed = typeof heed;

/** Where a program runs, and what heed must find there. */
export interface Env {
  /** Can threads be had? */
  readonly threads: boolean;
  /** Does the runtime have relaxed SIMD? */
  readonly relaxed: boolean;
  /** A page: models run in a worker beside it unless they are told not to. */
  readonly page: boolean;
  /** The suite's models run there too. */
  readonly hosted: boolean;
  /** What can be located, by its first folder: `fixtures`, and where they are `shared` and `models`. */
  readonly folders: readonly string[];
  /** The most bytes that an engine's memory may have here. */
  readonly memory: number | undefined;
  /** Told of each check as it begins, where a check that hangs could not be named otherwise. */
  begin?(check: string): void;
  /** The path or URL of what lies in one of `folders`. */
  locate(path: string): string;
}

/** What a runner runs: its result goes through JSON. */
export type Program = (heed: Heed, env: Env, args: unknown) => Promise<unknown>;

export interface Result {
  name: string;
  /** Why it failed; undefined where it passed. */
  error?: string;
  /** Why it did not run. */
  skipped?: string;
  /** It should have: what it needs is not here. */
  missing?: boolean;
}

/** A check passes when it returns. */
export type Check = (heed: Heed, env: Env) => void | Promise<void>;
export type Checks = Readonly<Record<string, Check>>;

/** Thrown by a check that has nothing to check where it is. */
export class Skip extends Error {}

/** Thrown by a check that cannot find what it needs. */
export class Missing extends Skip {}

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
export async function assertHeedError({ HeedError }: Heed, code: heed.ErrorCode, what: () => unknown): Promise<heed.HeedError> {
  const error = await thrownBy(what);
  assert(error instanceof HeedError && error.code === code, `not ${code} was thrown, but ${error}`);
  return error;
}
