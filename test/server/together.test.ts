/** Requests that are put together: each gets the results of its own texts, in one call for many, and what fails for one does not fail for others. */
import { describe, expect, it } from 'vitest';
import { nodeRuntime } from '../../dist/runtime/node.js';
import { Together } from '../../dist/server/together.js';

const signal = new AbortController().signal;

/** Batches that are worked on when `go` is called, and the texts of each. */
function slow() {
  const batches: string[][] = [];
  let go = () => {};
  const together = new Together(async (texts) => {
    batches.push([...texts]);
    await new Promise<void>((resolve) => {
      go = resolve;
    });
    if (texts.includes('bad')) throw new Error('bad');
    return texts.map((text) => text.toUpperCase());
  }, nodeRuntime.pause);
  const until = async (count: number) => {
    await expect.poll(() => batches.length).toBe(count);
    go();
  };
  return { together, batches, until };
}

describe('requests', () => {
  it('that come while a batch is worked on are the next', async () => {
    const { together, batches, until } = slow();
    const first = together.add(['a'], signal);
    await expect.poll(() => batches.length).toBe(1);
    const others = [together.add(['b', 'c'], signal), together.add(['d'], signal)];
    await until(1);
    await until(2);
    expect([await first, ...(await Promise.all(others))]).toEqual([['A'], ['B', 'C'], ['D']]);
    expect(batches).toEqual([['a'], ['b', 'c', 'd']]);
  });

  it('of many texts make batches of bounded size', async () => {
    const { together, batches, until } = slow();
    const all = Array.from({ length: 5 }, (_, i) => together.add(Array(30).fill(`t${i}`), signal));
    for (const count of [1, 2, 3]) await until(count);
    for (const [i, results] of (await Promise.all(all)).entries()) expect(results).toEqual(Array(30).fill(`T${i}`));
    expect(batches.map(({ length }) => length)).toEqual([60, 60, 30]);
  });

  it('that fail, or are given up, fail alone', async () => {
    const { together, until } = slow();
    const stop = new AbortController();
    const settled = Promise.allSettled([together.add(['a'], signal), together.add(['bad'], signal), together.add(['c'], stop.signal)]);
    await until(1);
    await until(2);
    await until(3);
    stop.abort(new Error('gone'));
    await until(4);
    expect(await settled).toMatchObject([{ value: ['A'] }, { reason: { message: 'bad' } }, { reason: { message: 'gone' } }]);
  });
});
