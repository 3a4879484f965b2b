/** How results look: widths of texts in columns, what fits, bars, places in a passage. */
import { describe, expect, it } from 'vitest';
import { around, placeOf } from '../../dist/cli/passage.js';
import { columns, meter, pad, percent, shares, shorten, width, wrapped } from '../../dist/cli/terminal.js';

describe('the width of a text', () => {
  it.each<[string, number]>([
    ['', 0],
    ['abc', 3],
    ['naïve', 5],
    ['nai\u0308ve', 5],
    ['日本語', 6],
    ['한국어', 6],
    ['ＡＢ', 4],
    ['🙂', 2],
    ['a\u200bb', 2],
  ])('%j is %i columns', (text, columns) => {
    expect(width(text)).toBe(columns);
    expect(width(pad(text, 12))).toBe(12);
  });
});

describe('a text that is shortened', () => {
  it.each<[string, number, string, string]>([
    ['short', 5, 'short', 'short'],
    ['longer', 5, 'long…', '…nger'],
    ['日本語です', 6, '日本…', '…です'],
    ['日本語です', 5, '日本…', '…です'],
    ['🙂🙂🙂', 4, '🙂…', '…🙂'],
    ['a\nb\u001b[2Jc', 80, 'a b [2Jc', 'a b [2Jc'],
    ['abc', 1, '…', '…'],
  ])('%j in %i columns', (text, to, begin, end) => {
    expect(shorten(text, to)).toBe(begin);
    expect(shorten(text, to, { end: true })).toBe(end);
  });
});

describe('a text that is wrapped', () => {
  it('goes on where its second column begins, and commands as a shell reads them', () => {
    const text =
      'A line of prose that is long\n  --to <language>  zh or en, as one likes it\n  heed ask "Who wrote it?" --context history.txt\nshort';
    expect(wrapped(text, 30).split('\n')).toEqual([
      'A line of prose that is long',
      '  --to <language>  zh or en,',
      '                   as one',
      '                   likes it',
      '  heed ask "Who wrote it?" \\',
      '      --context history.txt',
      'short',
    ]);
    expect(
      wrapped('我喜欢音乐 '.repeat(5).trim(), 24)
        .split('\n')
        .every((line) => width(line) <= 24),
    ).toBe(true);
  });
});

describe('a word that is wider than its column', () => {
  it('is cut, behind a slash where there is one', () => {
    expect(wrapped('  --model <m>  its name: some-owner/some-longish-model', 34).split('\n')).toEqual([
      '  --model <m>  its name:',
      '               some-owner/',
      '               some-longish-model',
    ]);
    expect(wrapped(`${'我'.repeat(13)} x`, 25).split('\n')).toEqual(['我'.repeat(12), '我 x']);
  });
});

describe('shares', () => {
  it('are bars in eighths of a column, as long as they are large', () => {
    expect([0, 1 / 16, 0.5, 0.999, 1].map((share) => meter(share, 2))).toEqual(['  ', '▏ ', '█ ', '██', '██']);
    expect(meter(Number.NaN, 2)).toBe('  ');
  });

  it('are percentages of the same width', () => {
    expect([0, 0.0449, 1].map(percent)).toEqual(['  0.0 %', '  4.5 %', '100.0 %']);
  });

  it('stand under each other, whatever the names', () => {
    const lines = shares(['a', '日本', 'x'.repeat(200)].map((name, i) => ({ name, share: 1 / (1 + i) }))).split('\n');
    expect(lines.pop()).toBe('');
    for (const line of lines) expect(width(line)).toBe(width(lines[0] as string));
    expect(width(lines[0] as string)).toBeLessThanOrEqual(columns());
  });

  it('of nothing are nothing', () => {
    expect(shares([])).toBe('');
  });
});

describe('a place in a passage', () => {
  const text = 'one two\nthree four\n';
  it('is line and column, counted from 1, where there is a file', () => {
    expect(placeOf({ text, name: 'a.txt' }, 0, 3)).toBe('a.txt:1:1');
    expect(placeOf({ text, name: 'a.txt' }, 14, 18)).toBe('a.txt:2:7');
    expect(placeOf({ text, name: undefined }, 14, 18)).toBe('characters 14 to 18');
  });

  it('is shown with what stands around it, on one line that fits', () => {
    expect(around(text, 14, 18)).toBe('  one two three four ');
    const words = Array.from({ length: 400 }, (_, i) => `w${i}`);
    const long = words.join(' ');
    for (const word of ['w0', 'w7', 'w200', 'w399']) {
      const start = `${long} `.indexOf(`${word} `);
      const line = around(long, start, start + word.length);
      expect(line).toContain(word);
      expect(width(line)).toBe(columns());
      expect(line.startsWith('  …')).toBe(start > 100);
      expect(line.endsWith('…')).toBe(start < long.length - 100);
    }
  });
});
