/** Standard output, and the end of a command whose reader stops early (`heed embed | head`). */
import { once } from 'node:events';
import { failed, onOneLine } from './failures.js';

/** Default: a command whose output nobody reads ends. */
let gone = (error: NodeJS.ErrnoException): void => {
  if (error.code === 'EPIPE') process.exit(0);
  process.stderr.write(`heed: standard output: ${error.message}\n`);
  process.exit(1);
};

/** Begins to look after standard output and standard error. Once, before anything is written. */
export function watchOutput(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => gone(error));
  // Errors of standard error itself cannot be reported.
  process.stderr.on('error', () => {});
  for (const event of ['uncaughtException', 'unhandledRejection'] as const)
    process.on(event, (error: unknown) => process.exit(failed(error)));
}

/** For commands whose results are files: they continue when nobody reads their output, and say so once. */
export function outliveReader(): void {
  gone = (error) => {
    gone = () => {};
    process.stderr.write(`heed: nobody reads standard output any more (${error.code ?? error.message}); the work goes on\n`);
  };
}

/** Writes to standard output; waits where the reader is slower. */
export async function print(text: string): Promise<void> {
  if (text && !process.stdout.write(text)) await once(process.stdout, 'drain');
}

/** A line on standard error. */
export function tell(what: string): void {
  process.stderr.write(`heed: ${onOneLine(what)}\n`);
}

/** A file that was asked for is there. */
export const tellWritten = (path: string): void => tell(`wrote ${path}`);
