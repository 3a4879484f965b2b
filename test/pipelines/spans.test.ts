/** From logits to answers, on logits that are made up. */

import { describe, expect, it } from 'vitest';
import { type ReadWindow, type Span, spansOf } from '../../dist/pipelines/spans.js';
import fc from '../draws.js';

const words = (n: number): (readonly [number, number])[] => Array.from({ length: n }, (_, i) => [2 * i, 2 * i + 1] as const);

/** A row [CLS] question [SEP] context [SEP] of which the context has these logits. */
const windowOf = (start: readonly number[], end: readonly number[], spans = words(start.length), none = -99): ReadWindow => ({
  start: [none, 99, 99, ...start, 99],
  end: [none, 99, 99, ...end, 99],
  context: start.map((_, i) => i + 3),
  spans,
  none: 0,
});

const softmax = (x: readonly number[]) => {
  const sum = x.reduce((s, v) => s + Math.exp(v), 0);
  return x.map((v) => Math.exp(v) / sum);
};

describe('answers', () => {
  it('are the likeliest spans, of those that begin before they end and are not too long', () => {
    const logits = fc.array(fc.float({ min: -5, max: 5, noNaN: true }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(logits, fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 30 }), (start, longest, top_k) => {
        const end = start.map((x, i) => Math.sin(x + i));
        const [p, q] = [softmax(start), softmax(end)];
        const all: Span[] = [];
        for (let s = 0; s < start.length; s++)
          for (let e = s; e < Math.min(start.length, s + longest); e++)
            all.push({ score: (p[s] as number) * (q[e] as number), start: 2 * s, end: 2 * e + 1 });
        const best = all.sort((a, b) => b.score - a.score).slice(0, top_k);
        const { spans } = spansOf([windowOf(start, end)], longest, top_k);
        expect(spans).toHaveLength(best.length);
        for (const [i, { score }] of best.entries()) expect(spans[i]?.score).toBeCloseTo(score, 5);
      }),
    );
  });

  it('that stand for the same words add up', () => {
    // Two tokens are one word.
    const spans = [
      [0, 4],
      [0, 4],
      [5, 6],
    ] as const;
    const { spans: found } = spansOf([windowOf([0, 0, 0], [0, 0, 0], [...spans])], 15, 9);
    expect(found.map(({ start, end, score }) => [start, end, Math.round(score * 9)])).toEqual([
      [0, 4, 3],
      [0, 6, 2],
      [5, 6, 1],
    ]);
  });

  it('of many windows are the likeliest of all, though few are kept in mind', () => {
    const count = 3000;
    const windows = Array.from({ length: count }, (_, w) => {
      const logits = Array.from({ length: 6 }, (_, i) => Math.sin(w * 7 + i * 3) * 3);
      // Each shares half of its places with the next.
      return windowOf(
        logits,
        logits.toReversed(),
        words(6).map(([begin, end]) => [begin + 6 * w, end + 6 * w] as const),
      );
    });
    const all = new Map<string, number>();
    for (const window of windows)
      for (const { start, end, score } of spansOf([window], 6, 99).spans)
        all.set(`${start} ${end}`, Math.max(score, all.get(`${start} ${end}`) ?? 0));
    const best = [...all.values()].sort((a, b) => b - a).slice(0, 5);
    expect(all.size).toBeGreaterThan(30_000);
    expect(spansOf(windows, 6, 5).spans.map(({ score }) => score)).toEqual(best);
  });

  it('of several windows count where they are likeliest', () => {
    const [low, high] = [windowOf([0, 0], [0, 0]), windowOf([5, 0], [5, 0])];
    const { spans } = spansOf([low, high, low], 15, 1);
    expect(spans).toEqual(spansOf([high], 15, 1).spans);
  });

  it('are none where a window is sure of that; of several the least sure counts', () => {
    const { none } = spansOf([windowOf([0], [0], words(1), 20)], 15, 1);
    expect(none).toBeCloseTo(1, 6);
    expect(spansOf([windowOf([0], [0], words(1), 20), windowOf([0], [0], words(1), 0)], 15, 1).none).toBeCloseTo(0.25, 6);
    expect(spansOf([{ ...windowOf([0], [0]), none: undefined }], 15, 1)).toEqual({ spans: [{ score: 1, start: 0, end: 1 }], none: 0 });
  });
});
