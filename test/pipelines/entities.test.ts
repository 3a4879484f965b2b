/** From scores of tokens to entities, on scores that are made up for each rule. */
import { describe, expect, it } from 'vitest';
import { type AggregationStrategy, endOf, entitiesOf, type ScoredToken, startOf, withoutOverlaps } from '../../dist/pipelines/entities.js';

const labels = ['O', 'B-PER', 'I-PER', 'B-LOC', 'I-LOC', 'E-PER', 'S-PER', 'NAME'];

/** Tokens of one letter each, as "B-PER:0.9 I-PER+O:0.6": the likeliest label, a second one with the rest, + before it where the token goes on with a word. */
const tokensOf = (text: string): ScoredToken[] => {
  let word = -1;
  return text.split(' ').map((item, index) => {
    const goesOn = item.startsWith('+');
    const [label, score = '1', rest] = item.replace('+', '').split(':');
    if (!goesOn) word++;
    const scores = new Float32Array(labels.length);
    scores[labels.indexOf(label as string)] = Number(score);
    if (rest) scores[labels.indexOf(rest)] = 1 - Number(score);
    return { index: index + 1, id: index, scores, start: 2 * index, end: 2 * index + 1, word };
  });
};
const found = (text: string, strategy: AggregationStrategy) =>
  entitiesOf(tokensOf(text), labels, strategy).map((entity) => [
    entity.label,
    startOf(entity),
    endOf(entity),
    Math.round(100 * entity.score),
  ]);

describe('simple', () => {
  it('joins neighbours of one kind, and begins anew at B', () => {
    expect(found('B-PER:0.9 I-PER:0.7 O B-PER B-PER I-LOC I-PER', 'simple')).toEqual([
      ['PER', 0, 3, 80],
      ['O', 4, 5, 100],
      ['PER', 6, 7, 100],
      ['PER', 8, 9, 100],
      ['LOC', 10, 11, 100],
      ['PER', 12, 13, 100],
    ]);
  });

  it('ends an entity at E, and leaves S alone', () => {
    expect(found('B-PER E-PER I-PER S-PER S-PER I-PER', 'simple').map(([, start, end]) => [start, end])).toEqual([
      [0, 3],
      [4, 5],
      [6, 7],
      [8, 9],
      [10, 11],
    ]);
  });

  it('joins labels that say nothing of beginnings', () => {
    expect(found('NAME NAME O', 'simple').map(([label, start, end]) => [label, start, end])).toEqual([
      ['NAME', 0, 3],
      ['O', 4, 5],
    ]);
  });
});

describe('words whose tokens disagree', () => {
  const text = 'B-PER:0.6:O +B-LOC:0.9:O +O:0.8:B-PER';

  it('are what their first token is', () => expect(found(text, 'first')).toEqual([['PER', 0, 5, 60]]));
  it('are what their surest token is', () => expect(found(text, 'max')).toEqual([['LOC', 0, 5, 90]]));
  it('are what their tokens are on the whole', () => expect(found(text, 'average')).toEqual([['O', 0, 5, 43]]));
  it('are looked at token by token otherwise', () => expect(found(text, 'none').map(([label]) => label)).toEqual(['B-PER', 'B-LOC', 'O']));
});

describe('windows that overlap', () => {
  const entity = (start: number, end: number, score: number) => ({
    ...{ label: 'PER', score },
    tokens: [{ index: 0, id: 0, scores: new Float32Array(0), start, end, word: 0 }],
  });

  it('leave the longer of two entities, of equals the likelier', () => {
    const kept = withoutOverlaps([entity(10, 12, 1), entity(0, 5, 0.1), entity(4, 6, 0.9), entity(20, 22, 0.4), entity(20, 22, 0.5)]);
    expect(kept.map((one) => [startOf(one), endOf(one), one.score])).toEqual([
      [0, 5, 0.1],
      [10, 12, 1],
      [20, 22, 0.5],
    ]);
  });

  it('without entities leave none', () => expect(withoutOverlaps([])).toEqual([]));
});
