/** The head that a page shows first: one whose weights tell something. */
import { expect, it } from 'vitest';
import { Group } from '../../src/pictures/page/group.js';

/** A group of one layer, by its heads. */
const groupOf = (T: number, heads: readonly ((query: number, key: number) => number)[]) => {
  const tokens = Array.from({ length: T }, (_, i) => `${i}`);
  const weights = heads.flatMap((head) => Array.from({ length: T * T }, (_, i) => head(Math.floor(i / T), i % T)));
  const shape = { name: 'Decoder', queries: 'source', keys: 'source', layers: 1, heads: heads.length } as const;
  return new Group(shape, { source: tokens, target: [] }, () => Float32Array.from(weights), String);
};
const sink = (_: number, key: number) => Number(key === 0);
const blurred = (query: number, key: number) => (key === query ? 0.8 : 0.2 / 5);
const uniform = () => 1 / 6;

it('is the clearest one, but for heads that look at one and the same token always', () => {
  expect(groupOf(6, [uniform, sink, blurred]).clearest).toEqual({ layer: 0, head: 2 });
  expect(groupOf(6, [uniform, sink]).clearest).toEqual({ layer: 0, head: 0 });
});

it('is such a head where there are no others', () => {
  const weaker = (_: number, key: number) => (key === 0 ? 0.9 : 0.1 / 5);
  expect(groupOf(6, [weaker, sink]).clearest).toEqual({ layer: 0, head: 1 });
  expect(groupOf(1, [sink, sink]).clearest).toEqual({ layer: 0, head: 0 });
});
