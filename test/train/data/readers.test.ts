import { describe, expect, it } from 'vitest';
import type { ByteStream } from '../../../dist/runtime/types.js';
import { readJsonLines, readLines, readTsv, textStream } from '../../../dist/train/data/readers.js';
import fc from '../../draws.js';
import { failureOf, memoryRuntime, streamOf } from '../../io/memory.js';

const all = async <T>(items: AsyncIterable<T>): Promise<T[]> => {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
};
const bytes = (text: string) => new TextEncoder().encode(text);
const lines = (text: string) => all(readLines(textStream(text)));

describe('lines', () => {
  it.each([
    ['', []],
    ['\n', ['']],
    ['a', ['a']],
    ['a\n', ['a']],
    ['a\nb', ['a', 'b']],
    ['a\r\nb\r\n', ['a', 'b']],
    ['a\r\n\r\nb', ['a', '', 'b']],
    ['a\rb\r', ['a\rb\r']],
    ['a\n\n\nb\n\n', ['a', '', '', 'b', '']],
    ['\ufeffa\n\ufeffb', ['a', '\ufeffb']],
    ['\u2028\u0085\v\f', ['\u2028\u0085\v\f']],
  ])('of %j', async (text, expected) => {
    expect(await lines(text)).toEqual(expected);
  });

  it('are the same however the bytes arrive', async () => {
    const text = fc.array(fc.constantFrom('a', 'é', '字', '😀', '\n', '\r\n', '\r', '\t', '\ufeff'), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(text, fc.integer({ min: 1, max: 5 }), fc.boolean(), async (parts, most, size) => {
        const whole = parts.join('');
        const expected = whole.replace(/^\ufeff/, '').split('\n');
        const last = expected.pop();
        const chopped = [...expected.map((line) => line.replace(/\r$/, '')), ...(last ? [last] : [])];
        expect(await all(readLines(streamOf(bytes(whole), { most, size })))).toEqual(chopped);
      }),
    );
  });

  it('have U+FFFD for what is not UTF-8', async () => {
    const broken = Uint8Array.of(0x61, 0xff, 0x0a, 0xe5, 0xad, 0x0a, 0xc3);
    for (const most of [1, 2, 100]) expect(await all(readLines(streamOf(broken, { most })))).toEqual(['a\ufffd', '\ufffd', '\ufffd']);
  });

  it('may be as long as the limit, and no longer', async () => {
    const limit = { maxLineLength: 5 };
    expect(await all(readLines(textStream('12345\r\n12345'), limit))).toEqual(['12345', '12345']);
    for (const text of ['a\n123456\nb', 'a\n123456', `a\n${'x'.repeat(1e6)}`, 'a\n12345\r']) {
      const error = await failureOf(() => all(readLines(textStream(text, 'big.txt'), limit)));
      expect(error).toMatchObject({ code: 'FORMAT', culprit: 'big.txt', message: 'big.txt: line 2 is longer than 5 characters' });
    }
  });

  it('need memory for a piece and a line only', async () => {
    let [left, largest] = [200, 0];
    const endless: ByteStream = {
      name: 'endless',
      size: undefined,
      read: async (target) => {
        largest = Math.max(largest, target.length);
        if (left-- === 0) throw new Error('read too far');
        target.fill(0x61);
        return target.length;
      },
      close: async () => {},
    };
    expect(await failureOf(() => all(readLines(endless)))).toMatchObject({ code: 'FORMAT' });
    expect(largest).toBeLessThanOrEqual(1 << 16);
    expect(left).toBeGreaterThan(180);
  });

  it('close the file at the end, where the reader stops, and after an error', async () => {
    for (const run of [
      async (stream: ByteStream) => all(readLines(stream)),
      async (stream: ByteStream) => {
        for await (const line of readLines(stream)) if (line) break;
      },
      async (stream: ByteStream) => failureOf(() => all(readJsonLines(stream))),
    ]) {
      const stream = streamOf(bytes('a\nb\n'));
      await run(stream);
      expect(stream.closed).toBe(1);
    }
  });

  it('come from a file that is still being opened', async () => {
    const { runtime, state } = memoryRuntime({ 'd/a.txt': 'x\ny' }, { most: 1 });
    expect(await all(readLines(runtime.open(runtime.join('d', 'a.txt'))))).toEqual(['x', 'y']);
    expect(state).toEqual({ opened: 1, closed: 1 });
    const missing = readLines(runtime.open('d/b.txt'));
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await failureOf(() => all(missing))).toMatchObject({ code: 'NOT_FOUND' });
  });

  it('refuse an option that nobody reads', async () => {
    expect(await failureOf(() => readLines(textStream(''), { encoding: 'latin1' } as never))).toMatchObject({ code: 'UNSUPPORTED' });
  });
});

describe('columns', () => {
  it('are what stands between tabs, quotes and all', async () => {
    expect(await all(readTsv(textStream('a\t"b\t\n\t\t\r\n')))).toEqual([
      ['a', '"b', ''],
      ['', '', ''],
    ]);
    expect(await all(readTsv(textStream('')))).toEqual([]);
  });

  it.each([
    ['a\tb\nc\n', undefined, 'line 2 has 1 column, not 2'],
    ['a\tb\n\nc\td', undefined, 'line 2 has 1 column, not 2'],
    ['a\tb\nc\td\te', 2, 'line 2 has 3 columns, not 2'],
    ['a\nb\tc\nd\te', undefined, 'line 2 has 2 columns, and line 1 has only 1: one of them is wrong'],
    ['a\nb\nd\te', undefined, 'line 3 has 2 columns, not 1'],
    ['a\tb\tc', 2, 'line 1 has 3 columns, not 2'],
  ])('must be as many in every line: %j', async (text, columns, message) => {
    const source = textStream(text, 'https://user:secret@example.org/pairs.tsv?token=1');
    const error = await failureOf(() => all(readTsv(source, { columns })));
    expect(error).toMatchObject({ code: 'FORMAT', message: `https://example.org/pairs.tsv: ${message}` });
  });
});

describe('JSON lines', () => {
  it('are values; blank lines are none', async () => {
    expect(await all(readJsonLines(textStream('{"a":1}\r\n\n \t\n[2]\nnull')))).toEqual([{ a: 1 }, [2], null]);
  });

  it('name the file and the line that is not JSON', async () => {
    const error = await failureOf(() => all(readJsonLines(textStream('1\n\n{a:1}\n', 'x.jsonl'))));
    expect(error).toMatchObject({
      code: 'FORMAT',
      culprit: 'x.jsonl',
      message: expect.stringMatching(/^x\.jsonl: line 3 is not valid JSON \(/),
    });
  });
});
