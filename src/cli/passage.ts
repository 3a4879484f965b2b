/** The passage that `heed ask` reads, from a file, standard input or the argument itself, and the display of a place in it. */
import { existsSync } from 'node:fs';
import type { Runtime } from '../runtime/types.js';
import { onOneLine } from './failures.js';
import { readText } from './files.js';
import { textOfInput } from './lines.js';
import { columns, marked, shorten, width } from './terminal.js';

export interface Passage {
  text: string;
  /** Name of the source; undefined for an argument. */
  name: string | undefined;
}

/** Passage for an argument: - is standard input, the name of a file or a URL is read, any other text is the passage itself. Throws NOT_FOUND. */
export async function passageOf(runtime: Runtime, given: string): Promise<Passage> {
  if (given === '-') {
    if (process.stdin.isTTY) process.stderr.write('heed: reading the passage from standard input; end with Ctrl-D\n');
    let text = '';
    for await (const piece of textOfInput()) text += piece;
    return { text, name: 'standard input' };
  }
  // A name without a file would be a passage of one word, which answers nothing.
  const isName = /^(https?|file):\/\/\S+$/i.test(given) || /^[\w./\\:~%@+-]+$/.test(given) || existsSync(given);
  return isName ? { text: await readText(runtime, given), name: given } : { text: given, name: undefined };
}

/** Place in a passage: file, line and column as in compilers' messages, or the characters where there is no file. All but the last count from 1. */
export function placeOf({ text, name }: Passage, start: number, end: number): string {
  if (name === undefined) return `characters ${start} to ${end}`;
  const before = text.slice(0, start).split('\n');
  return `${name}:${before.length}:${(before.at(-1) as string).length + 1}`;
}

/** Text around text.slice(start, end), on one line of the terminal, with the slice in reverse video. */
export function around(text: string, start: number, end: number): string {
  const found = shorten(text.slice(start, end), columns() >> 1);
  const room = columns() - 2 - width(found);
  // A character more than fits, so that it shows where there is more.
  const before = onOneLine(text.slice(Math.max(0, start - room - 1), start));
  const after = onOneLine(text.slice(end, end + room + 1));
  // Half of the room for each side; what one does not need is the other's.
  const right = Math.min(width(after), Math.max(room >> 1, room - width(before)));
  const left = Math.min(width(before), room - right);
  return `  ${shorten(before, left, { end: true })}${marked(found)}${shorten(after, right)}`;
}
