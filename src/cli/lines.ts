/** Standard input as lines, a few at a time, so that it may be longer than memory: for commands whose texts are arguments or standard input. */
import { fstatSync, type Stats } from 'node:fs';
import { HeedError } from '../errors.js';

/** Number of lines that come together. */
const LINES = 256;

/**
 * Lines of standard input, LINES at a time, or fewer at the end; `eager`: all that have arrived, for a dialogue. Lines end at LF or CR LF. Throws NOT_FOUND
 * where there is no input to read.
 */
export async function* linesOfInput({ eager = false } = {}): AsyncGenerator<string[]> {
  if (process.stdin.isTTY) process.stderr.write('heed: reading lines from standard input; end with Ctrl-D\n');
  // Not node:readline, which also ends lines at U+2028 and U+2029.
  let rest = '';
  const lines: string[] = [];
  for await (const text of textOfInput()) {
    const pieces = (rest + text).split('\n');
    rest = pieces.pop() as string;
    lines.push(...pieces.map(withoutReturn));
    while (lines.length >= (eager ? 1 : LINES)) yield lines.splice(0, LINES);
  }
  if (rest) lines.push(withoutReturn(rest));
  if (lines.length) yield lines;
}

/** Standard input as it comes, UTF-8, without the mark that some programs begin it with. */
export async function* textOfInput(): AsyncGenerator<string> {
  // Node takes a folder for an empty file.
  if (isFolder()) throw unreadable('it is a folder');
  try {
    let first = true;
    for await (const text of process.stdin.setEncoding('utf8') as AsyncIterable<string>) {
      yield first ? text.replace(/^\ufeff/, '') : text;
      first = false;
    }
  } catch (cause) {
    throw unreadable(cause instanceof Error ? cause.message : String(cause), cause);
  }
}

const isFolder = (): boolean => factsOfInput()?.isDirectory() ?? false;

/** Bytes of standard input, where it is a file. */
export function sizeOfInput(): number | undefined {
  const facts = factsOfInput();
  return facts?.isFile() ? facts.size : undefined;
}

function factsOfInput(): Stats | undefined {
  try {
    return fstatSync(0);
  } catch {
    return undefined; // closed, or of a kind that the runtime cannot tell
  }
}

const unreadable = (why: string, cause?: unknown) =>
  new HeedError('NOT_FOUND', `Standard input cannot be read: ${why}`, { culprit: 'standard input', cause });

const withoutReturn = (line: string): string => line.replace(/\r$/, '');
