/** Layout of results for people: as wide as the terminal, in bold and dim where it has them (never with NO_COLOR), shares as bars. */
import { onOneLine } from './failures.js';

const { stdout } = process;
const styled = Boolean(stdout.isTTY && stdout.hasColors?.());
const style = (begin: number, end: number) => (text: string) => (styled ? `\u001b[${begin}m${text}\u001b[${end}m` : text);

export const bold = style(1, 22);
/** Style of a match in its surroundings. */
export const marked = style(7, 27);

/** Number of columns of a line: the terminal's, or 80. */
export const columns = (): number => stdout.columns || 80;

const wide = /[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Hangul}\p{Emoji_Presentation}\uff01-\uff60]/u;
const nothing = /\p{Mark}|\p{Cf}/u;
/** Columns that a character takes. */
const widthOf = (character: string): number => (nothing.test(character) ? 0 : wide.test(character) ? 2 : 1);
/** Columns that a text takes. */
export const width = (text: string): number => Array.from(text).reduce((sum, character) => sum + widthOf(character), 0);

export const pad = (text: string, to: number): string => text + ' '.repeat(Math.max(0, to - width(text)));

/** The beginning of a text that fits, or its end, on one line: with … where there was more. */
export function shorten(text: string, to: number, { end = false } = {}): string {
  const line = onOneLine(text);
  if (width(line) <= to) return line;
  const characters = Array.from(line);
  const kept: string[] = [];
  let room = to - 1;
  while (characters.length) {
    const next = (end ? characters.pop() : characters.shift()) as string;
    room -= widthOf(next);
    if (room < 0) break;
    kept.push(next);
  }
  return end ? `…${kept.reverse().join('')}` : `${kept.join('')}…`;
}

export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`.padStart(7);

const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
/** A share of 1 as a bar. */
export function meter(share: number, to: number): string {
  const parts = Math.round(Math.min(1, Math.max(0, share)) * to * 8);
  return pad('█'.repeat(parts >> 3) + eighths[parts & 7], to);
}

/** Names and their shares, one on a line, the first of which stands out. */
export function shares(rows: readonly { readonly name: string; readonly share: number }[]): string {
  const room = Math.max(20, columns() - 12);
  const names = rows.map(({ name }) => shorten(name, Math.floor(room / 2)));
  const widest = Math.max(...names.map(width));
  const bar = Math.min(30, room - widest - 2);
  return names
    .map((name, i) => {
      const line = `  ${pad(name, widest)}  ${meter(rows[i]?.share ?? 0, bar)} ${percent(rows[i]?.share ?? 0)}`;
      return `${i === 0 ? bold(line) : line}\n`;
    })
    .join('');
}

/**
 * Lines that fit a terminal of `most` columns, cut at spaces, and within a word longer than a line; continuation lines are indented like the text they continue. Lines
 * that a shell would run, which begin with "heed", are continued in the shell's syntax, so that their words stay whole.
 */
export const wrapped = (text: string, most = columns()): string =>
  text
    .split('\n')
    .flatMap((line) => wrappedLine(line, Math.max(24, most)))
    .join('\n');

/** Text wrapped for a terminal; unchanged for programs, which read whole lines. */
export const fitted = (text: string): string => (stdout.isTTY ? wrapped(text) : text);

/** Parts of a word, of at most so many columns: paths are cut behind a slash, where that is not too early. */
function parts(word: string, most: number): string[] {
  if (width(word) <= most || !word.trim() || most < 2) return [word];
  let fits = '';
  for (const character of word) {
    if (width(fits + character) > most) break;
    fits += character;
  }
  const slash = fits.lastIndexOf('/') + 1;
  const cut = slash > fits.length / 3 ? slash : fits.length;
  return [word.slice(0, cut), ...parts(word.slice(cut), most)];
}

function wrappedLine(line: string, most: number): string[] {
  if (width(line) <= most) return [line];
  const own = /^ */.exec(line)?.[0] ?? '';
  const command = /^ *([\w.]+ .*\| *)?heed /.test(line);
  // Continuation lines of a second column are indented to that column.
  const indent = command ? `${own}    ` : ' '.repeat(/^ *\S+( \S+)* {2,}(?=\S)/.exec(line)?.[0].length ?? own.length);
  const room = most - (command ? 2 : 0);
  const lines: string[] = [];
  let current = own;
  let empty = true;
  // A quoted text is one word.
  const words = line.slice(own.length).match(/"[^"]*"\S*| +|[^ ]+/g) ?? [];
  for (const word of command ? words : words.flatMap((word) => parts(word, room - indent.length))) {
    if (!empty && width(current + word.trimEnd()) > room && word.trim()) {
      lines.push(command ? `${current.trimEnd()} \\` : current.trimEnd());
      current = indent + word;
    } else current += word;
    empty &&= !word.trim();
  }
  return [...lines, current];
}
