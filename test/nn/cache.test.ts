/** A cache of keys and values: attention with one has the bits of attention without, in whatever pieces keys come, for every size. */
import { KVCache, MultiheadAttention } from 'heed/nn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEngine, type Engine, type EngineTensor as Tensor, tensor } from '../../dist/entry/node.js';
import { cachedAttention } from '../../dist/ops/attention.js';
import { contiguous, narrow, Tape } from '../../dist/ops/index.js';
import { Random } from '../cases/random.js';
import { failureOf } from '../io/memory.js';
import { fill } from './state.js';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ threads: 2, deterministic: true, inlineBelow: 0 });
});
afterAll(() => engine.dispose());

const random = new Random(5);
const floats = (shape: readonly number[]) => tensor(engine, random.floats(shape).data, shape);
/** The same ones for a seed. */
const floatsOf = (seed: number, shape: readonly number[]) => tensor(engine, new Random(seed).floats(shape).data, shape);
const numbers = (x: Tensor) => Array.from(contiguous(x).toHost().data);
const causal = { isCausal: true, needWeights: true, averageAttnWeights: false };

function attention(C: number, H: number, options = {}): MultiheadAttention {
  const made = new MultiheadAttention(engine, C, H, { batchFirst: true, ...options });
  fill(made);
  return made;
}

describe('self-attention', () => {
  it.each([
    [8, 2, {}, [1, 1, 1]],
    [15, 3, {}, [4, 1, 8, 1, 1]],
    [12, 4, { headDim: 5, scale: 1, bias: false }, [2, 7, 1]],
    // Beyond a block of keys, and through every growth of the room.
    [8, 1, {}, [100, 1, 27, 1, 1, 1, 40]],
  ])('of %i channels, %i heads, %o, gives the bits that it gives at once when tokens come as %j', (C, H, options, pieces) => {
    engine.scope(() => {
      const layer = attention(C, H, options);
      const T = pieces.reduce((sum, n) => sum + n, 0);
      const x = floats([2, T, C]);
      const { output: want, weights: wanted } = layer.forward(x, x, x, causal);
      const cache = new KVCache(engine);
      let from = 0;
      for (const count of pieces) {
        const part = contiguous(narrow(x, 1, from, count));
        const { output, weights } = layer.forward(part, part, part, { ...causal, cache });
        expect(numbers(output)).toEqual(numbers(narrow(want, 1, from, count)));
        from += count;
        expect(numbers(weights as Tensor)).toEqual(numbers(narrow(narrow(wanted as Tensor, 2, from - count, count), 3, 0, from)));
      }
      expect(cache.length).toBe(T);
      cache.dispose();
      layer.dispose();
    });
  });

  it('takes masks over all keys, and no padding behind a row', () => {
    engine.scope(() => {
      const layer = attention(8, 2);
      const x = floats([2, 5, 8]);
      const mask = floats([1, 2, 5, 5]);
      const want = layer.forward(x, x, x, { attnMask: mask, isCausal: true }).output;
      const cache = new KVCache(engine);
      for (const [from, count] of [
        [0, 3],
        [3, 2],
      ] as const) {
        const part = contiguous(narrow(x, 1, from, count));
        const attnMask = contiguous(narrow(narrow(mask, 2, from, count), 3, 0, from + count));
        const { output } = layer.forward(part, part, part, { attnMask, isCausal: true, cache });
        expect(numbers(output)).toEqual(numbers(narrow(want, 1, from, count)));
      }
      cache.dispose();
      layer.dispose();
    });
  });
});

describe('attention to a memory', () => {
  it('reads it once: rows that share a source share its keys, and lengths are those of rows', () => {
    engine.scope(() => {
      const layer = attention(12, 3);
      const [memory, query] = [floats([2, 9, 12]), floats([3, 2, 12])];
      const cache = new KVCache(engine);
      layer.remember(cache, memory);
      cache.reorder([1, 0, 1]);
      const got = layer.forward(query, undefined, undefined, { cache, lengths: [9, 4, 9] }).output;
      const [first, second] = [0, 1].map((b) => contiguous(narrow(memory, 0, b, 1))) as [Tensor, Tensor];
      for (const [row, source, length] of [
        [0, second, 9],
        [1, first, 4],
        [2, second, 9],
      ] as const) {
        const want = layer.forward(contiguous(narrow(query, 0, row, 1)), source, source, { lengths: [length] }).output;
        expect(numbers(narrow(got, 0, row, 1))).toEqual(numbers(want));
      }
      cache.dispose();
      layer.dispose();
    });
  });
});

describe('a cache', () => {
  it('keeps rows apart that went on from one, and forgets what it is told to', () => {
    engine.scope(() => {
      const layer = attention(8, 2);
      const cache = new KVCache(engine);
      const step = (rows: Tensor) => numbers(layer.forward(rows, rows, rows, { isCausal: true, cache }).output);
      const [start, a, b] = [floats([1, 3, 8]), floats([1, 1, 8]), floats([1, 1, 8])];
      step(start);
      cache.reorder([0, 0]);
      const both = step(tensor(engine, Float32Array.from([...numbers(a), ...numbers(b)]), [2, 1, 8]));
      // With as many slots as rows: one of the two is copied, in place.
      cache.reorder([1, 1]);
      const again = step(tensor(engine, Float32Array.from([...numbers(a), ...numbers(b)]), [2, 1, 8]));
      cache.truncate(4);
      const other = step(tensor(engine, Float32Array.from([...numbers(b), ...numbers(a)]), [2, 1, 8]));
      expect([other.slice(8), other.slice(0, 8)]).toEqual([again.slice(0, 8), again.slice(8)]);
      cache.reorder([1]);
      cache.truncate(3);
      expect(cache).toMatchObject({ length: 3, rows: 1 });
      expect(step(b)).toEqual(both.slice(8));
      cache.truncate(3);
      expect(step(a)).toEqual(both.slice(0, 8));
      cache.dispose();
      layer.dispose();
    });
  });

  it('takes keys in two halves: room and counts, then the numbers', async () => {
    const caches = [new KVCache(engine), new KVCache(engine)] as const;
    const [one, other] = caches;
    const looks = () =>
      caches.map((cache) => numbers(cachedAttention(floatsOf(9, [2, 4, 1, 8]), cache.panels, { enableGqa: true }).output));
    const { code } = await failureOf(() => one.advance(1)); // of how many rows and heads?
    expect(code).toBe('ARGUMENT');
    engine.scope(() => {
      for (const cache of caches) cache.append(floatsOf(1, [2, 2, 30, 8]), floatsOf(2, [2, 2, 30, 8]));
      for (let t = 0; t < 110; t++) {
        const [k, v] = [floatsOf(t, [2, 2, 1, 8]), floatsOf(-t, [2, 2, 1, 8])];
        one.append(k, v);
        const { table } = other;
        other.advance(1);
        // Kernels find it where it was, but for another page.
        expect(other.table === table).toBe(other.length !== 129);
        other.put(k, v);
        const [a, b] = looks();
        expect(b).toEqual(a);
      }
      expect(other.lengths).toEqual([140, 140]);
    });
    const k = floats([2, 2, 1, 8]);
    one.advance(1);
    expect((await failureOf(() => one.put(floats([2, 2, 2, 8]), k))).code).toBe('SHAPE');
    one.put(k, k);
    one.advance(1);
    one.reorder([1, 1]); // which share their pages
    expect((await failureOf(() => one.put(k, k))).code).toBe('ARGUMENT');
    expect((await failureOf(() => other.append(k, k, [1, 2]))).code).toBe('ARGUMENT');
    for (const cache of caches) cache.dispose();
  });

  it('gives all of its memory back, however it grew', () => {
    const layer = attention(8, 2);
    const run = () => {
      const cache = new KVCache(engine);
      for (const B of [1, 3, 2, 7]) {
        cache.reorder(Array(B).fill(0));
        engine.scope(() => {
          const x = floats([B, 30, 8]);
          layer.forward(x, x, x, { cache });
        });
      }
      expect(cache).toMatchObject({ length: 120, rows: 7 });
      cache.dispose();
    };
    run();
    const { used, storages } = engine.memory();
    run();
    expect(engine.memory()).toMatchObject({ used, storages });
    layer.dispose();
  });

  it('says what does not fit', async () => {
    const layer = attention(8, 2);
    const cache = new KVCache(engine);
    const failure = (run: () => unknown) => failureOf(async () => engine.scope(() => void run()));
    const call = (x: Tensor, given: unknown = cache) => layer.forward(x, x, x, { cache: given as KVCache });
    engine.scope(() => void call(floats([2, 3, 8])));
    expect(await failure(() => call(floats([3, 1, 8])))).toMatchObject({ code: 'SHAPE', culprit: 'key' });
    expect(await failure(() => layer.forward(floats([3, 1, 8]), undefined, undefined, { cache }))).toMatchObject({ code: 'SHAPE' });
    for (const strange of [{}, 5, 'cache'])
      expect(await failure(() => call(floats([2, 1, 8]), strange))).toMatchObject({ culprit: 'cache' });
    for (const rows of [[2], [-1], [0.5]])
      expect(await failure(() => cache.reorder(rows))).toMatchObject({ code: 'ARGUMENT', culprit: 'rows' });
    for (const length of [4, -1, 1.5]) expect(await failure(() => cache.truncate(length))).toMatchObject({ culprit: 'length' });
    expect(await failure(() => layer.forward(floats([2, 1, 8]), undefined, undefined))).toMatchObject({ code: 'ARGUMENT', culprit: 'key' });
    const zero = attention(8, 2, { addZeroAttn: true });
    expect(await failure(() => zero.forward(floats([2, 1, 8]), undefined, undefined, { cache }))).toMatchObject({ code: 'UNSUPPORTED' });
    layer.train();
    const tape = new Tape(engine);
    expect(await failure(() => tape.record(() => call(floats([2, 1, 8])).output))).toMatchObject({ code: 'UNSUPPORTED', culprit: 'cache' });
    for (const each of [cache, layer, zero]) each.dispose();
  });
});
