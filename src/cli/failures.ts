/**
 * Failures of the command: one line on standard error and an exit code, never a stack trace, which HEED_DEBUG=1 adds. An error that is no
 * HeedError is a defect of heed, and the line says so.
 */
import { CommanderError } from 'commander';
import { HeedError } from '../errors.js';

/** Prints what failed, unless the parser of the command line has; gives the exit code. */
export function failed(error: unknown): 1 | 2 | 0 {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  process.stderr.write(`heed: ${onOneLine(messageOf(error))}\n`);
  if (process.env.HEED_DEBUG) for (const line of stackOf(error)) process.stderr.write(`${line}\n`);
  return 1;
}

function messageOf(error: unknown): string {
  if (error instanceof HeedError) return `${error.message} [${error.code}]`;
  // Messages of V8, JavaScriptCore and SpiderMonkey where there is no memory for an array.
  if (error instanceof RangeError && /typed array length|allocation|out of memory|too large/i.test(error.message))
    return `This machine has no room for it: ${error.message} [MEMORY]`;
  const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return `${what}. This is a defect of heed: please report it, with what HEED_DEBUG=1 adds`;
}

/** An error and its causes. */
function stackOf(error: unknown): string[] {
  if (!(error instanceof Error)) return [];
  return [error.stack ?? String(error), ...stackOf(error.cause)];
}

/** Names of files and what servers answer may hold anything. */
export const onOneLine = (text: string): string => text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ');
