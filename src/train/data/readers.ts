/**
 * Readers of training data in files: lines, columns between tabs, and JSON, a value a line. Each reader is an async generator
 * over a ByteStream, which it closes in any case. It holds one piece of the file and one line; a line that
 * is too long, or does not have the expected form, is an error that names the file and the line.
 */
import { checkOptions, HeedError } from '../../errors.js';
import { byteStream } from '../../io/bytes.js';
import { shown } from '../../io/location.js';
import type { ByteStream } from '../../runtime/types.js';

/** Number of bytes that are read at once. */
const PIECE = 1 << 16;

/** An open file, or one that is being opened: `runtime.open(path)`. */
export type Source = ByteStream | Promise<ByteStream>;

/** Options of readLines. */
export interface LineOptions {
  /** Maximum length of a line, in UTF-16 code units. Default 2^20. */
  maxLineLength?: number | undefined;
}

/** Options of readTsv. */
export interface TsvOptions extends LineOptions {
  /** Number of columns of each line. Default that of the first line. */
  columns?: number | undefined;
}

/**
 * The lines of a UTF-8 text, without their ends, which are \n or \r\n. A byte order mark at the beginning is passed over, and what
 * is not UTF-8 becomes U+FFFD. Throws FORMAT for a line beyond `maxLineLength`.
 */
export function readLines(source: Source, options: LineOptions = {}): AsyncGenerator<string, void, undefined> {
  return map(source, options, (line) => [line]);
}

/**
 * The columns of each line of a file of tab-separated values. There are no quotes: a column can hold anything but tabs and line ends.
 * Throws FORMAT where the number of columns is another.
 */
export function readTsv(source: Source, { columns, ...options }: TsvOptions = {}): AsyncGenerator<string[], void, undefined> {
  let expected = columns;
  let lines = 0;
  return map(source, options, (line, fail) => {
    const cells = line.split('\t');
    expected ??= cells.length;
    lines++;
    // Of two lines that differ, the first is as likely the wrong one, and the more so if it is the one that lacks something.
    if (columns === undefined && lines === 2 && cells.length > expected)
      throw fail(`has ${count(cells.length, 'column')}, and line 1 has only ${expected}: one of them is wrong`);
    if (cells.length !== expected) throw fail(`has ${count(cells.length, 'column')}, not ${expected}`);
    return [cells];
  });
}

/** The values of a JSON Lines file (jsonlines.org). Lines of white space are passed over. Throws FORMAT for a line that is not JSON. */
export function readJsonLines(source: Source, options: LineOptions = {}): AsyncGenerator<unknown, void, undefined> {
  return map(source, options, (line, fail) => {
    if (!/[^ \t\r]/.test(line)) return [];
    try {
      return [JSON.parse(line) as unknown];
    } catch (error) {
      throw fail(`is not valid JSON (${error instanceof Error ? error.message : error})`, error);
    }
  });
}

/** A text that is in memory, for the readers. */
export const textStream = (text: string, name = 'text'): ByteStream => byteStream(new TextEncoder().encode(text), name);

type Fail = (what: string, cause?: unknown) => HeedError;

function map<T>(source: Source, options: LineOptions, take: (line: string, fail: Fail) => readonly T[]) {
  checkOptions(options, ['maxLineLength'], 'a reader');
  const opening = Promise.resolve(source);
  // The reader gets a failure later; until then it must not count as an unhandled rejection.
  opening.catch(() => {});
  return generate(opening, options, take);
}

async function* generate<T>(
  opening: Promise<ByteStream>,
  { maxLineLength = 1 << 20 }: LineOptions,
  take: (line: string, fail: Fail) => readonly T[],
): AsyncGenerator<T, void, undefined> {
  const stream = await opening;
  let number = 1;
  const fail: Fail = (what, cause) => {
    const file = shown(stream.name);
    return new HeedError('FORMAT', `${file}: line ${number} ${what}`, { culprit: file, cause });
  };
  const check = (length: number) => {
    if (length > maxLineLength) throw fail(`is longer than ${maxLineLength} characters`);
  };
  try {
    let begun = '';
    for await (const text of pieces(stream)) {
      let at = 0;
      for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', at)) {
        const line = chop(begun + text.slice(at, end));
        check(line.length);
        yield* take(line, fail);
        begun = '';
        at = end + 1;
        number++;
      }
      begun += text.slice(at);
      // A \r at its end may still turn out to belong to the line's end.
      check(begun.length - 1);
    }
    // Text behind the last line end is a line, unless it is empty.
    check(begun.length);
    if (begun) yield* take(begun, fail);
  } finally {
    await stream.close();
  }
}

/** The text of a stream in pieces, however its bytes are cut. */
async function* pieces(stream: ByteStream): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(PIECE);
  for (;;) {
    const length = await stream.read(buffer);
    if (length === 0) break;
    yield decoder.decode(buffer.subarray(0, length), { stream: true });
  }
  yield decoder.decode();
}

const chop = (line: string) => (line.endsWith('\r') ? line.slice(0, -1) : line);
const count = (n: number, what: string) => `${n} ${what}${n === 1 ? '' : 's'}`;
