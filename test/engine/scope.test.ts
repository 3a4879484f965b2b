/** Scopes: what is made in one ends with it, what it returns lives on outside, and what ended cannot be used. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Engine } from '../../dist/engine/engine.js';
import { createEngine } from '../../dist/entry/node.js';
import { add, narrow, pack, reshape, transpose } from '../../dist/ops/index.js';
import { Tensor, tensor } from '../../dist/tensor.js';
import { failureOf } from '../io/memory.js';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ threads: 1 });
});
afterAll(() => engine.dispose());

let before: ReturnType<Engine['memory']>;
beforeEach(() => {
  before = engine.memory();
});
const made = () => engine.memory().storages - before.storages;
const numbers = (...data: number[]) => tensor(engine, data);
const values = (x: Tensor) => Array.from(x.toHost().data);

describe('a scope', () => {
  it('frees what was made in it', () => {
    expect(engine.scope(() => values(add(numbers(1, 2), numbers(3, 4))))).toEqual([4, 6]);
    expect(made()).toBe(0);
  });

  it('keeps what it returns, and no more', () => {
    const y = engine.scope(() => add(numbers(1, 2), numbers(3, 4)));
    expect(made()).toBe(1);
    expect(values(y)).toEqual([4, 6]);
    y.dispose();
    expect(made()).toBe(0);
  });

  it.each<[string, (x: Tensor) => unknown]>([
    ['a list', (x) => [[x]]],
    ['an object', (x) => ({ deep: { x } })],
    ['a Map', (x) => new Map([['x', x]])],
    ['the keys of a Map', (x) => new Map([[x, 1]])],
    ['a Set', (x) => ({ all: new Set([1, [x]]) })],
    ['lists as deep as they like', (x) => Array.from({ length: 100_000 }).reduce((list: unknown) => [list], x)],
    ['a view', (x) => reshape(x, [2, 1])],
    [
      'a cycle',
      (x) => {
        const knot: Record<string, unknown> = { x };
        knot.knot = knot;
        return knot;
      },
    ],
  ])('finds what it returns in %s', (_, wrap) => {
    let x = numbers();
    x.dispose();
    engine.scope(() => {
      x = numbers(1, 2);
      return wrap(x);
    });
    expect(values(x)).toEqual([1, 2]);
    x.dispose();
    expect(made()).toBe(0);
  });

  it('keeps a packed matrix that it returns', () => {
    const w = engine.scope(() => pack(reshape(numbers(1, 2, 3, 4), [2, 2])));
    expect(made()).toBe(1);
    expect(w.ptr).toBeGreaterThan(0);
    w.dispose();
    expect(made()).toBe(0);
  });

  it('hands what it returns to the scope around it, which ends it', () => {
    let inner: Tensor | undefined;
    engine.scope(() => {
      inner = engine.scope(() => add(numbers(1), numbers(2)));
      expect(values(inner)).toEqual([3]);
    });
    expect(made()).toBe(0);
    expect(() => inner?.ptr).toThrow(/freed/);
  });

  it('leaves alone what was made outside', () => {
    const x = numbers(1, 2);
    engine.scope(() => {
      engine.scope(() => add(x, x));
    });
    expect(values(x)).toEqual([1, 2]);
    x.dispose();
    expect(made()).toBe(0);
  });

  it('frees all when its body throws, and passes the error on', () => {
    const error = new Error('mine');
    const outer = engine.scope(() => {
      const x = numbers(5);
      expect(() =>
        engine.scope(() => {
          numbers(1);
          engine.scope(() => numbers(2));
          throw error;
        }),
      ).toThrow(error);
      expect(made()).toBe(1);
      return x;
    });
    expect(values(outer)).toEqual([5]);
    outer.dispose();
    expect(made()).toBe(0);
  });

  it('refuses an asynchronous body, and frees what that made before its first await', async () => {
    const failure = await failureOf(() => engine.scope(async () => numbers(1)));
    expect(failure.code).toBe('ARGUMENT');
    expect(failure.message).toMatch(/synchronous/);
    expect(made()).toBe(0);
  });

  it('refuses a rejected promise without an unhandled rejection', async () => {
    const failure = await failureOf(() => engine.scope(() => Promise.reject(new Error('unheard'))));
    expect(failure.code).toBe('ARGUMENT');
    await new Promise((resolve) => setTimeout(resolve, 5));
  });

  it('that ended is no longer the one that owns', () => {
    engine.scope(() => {});
    const x = numbers(1);
    engine.scope(() => {});
    expect(values(x)).toEqual([1]);
    x.dispose();
  });
});

describe('a tensor that was freed', () => {
  it('throws when it is used, with its shape and the cure', async () => {
    const x = tensor(engine, [
      [1, 2, 3],
      [4, 5, 6],
    ]);
    x.dispose();
    x.dispose();
    for (const use of [() => x.ptr as unknown, () => x.toHost(), () => add(x, x), () => transpose(x, 0, 1).toHost()]) {
      const failure = await failureOf(() => engine.scope(use));
      expect(['ARGUMENT', 'SHAPE']).toContain(failure.code);
    }
    const failure = await failureOf(() => x.toHost());
    expect(failure).toMatchObject({ code: 'ARGUMENT', shape: [2, 3] });
    expect(failure.message).toContain('[2,3]');
    expect(failure.cure).toMatch(/scope/);
    expect(made()).toBe(0);
  });

  it('takes its views with it', () => {
    const x = numbers(1, 2, 3, 4);
    const view = narrow(x, 0, 1, 2);
    expect(values(view)).toEqual([2, 3]);
    view.dispose();
    expect(() => x.ptr).toThrow(/freed/);
    expect(made()).toBe(0);
  });

  it('does not lose its numbers to a view that outlives it in a scope', () => {
    const view = engine.scope(() => narrow(numbers(1, 2, 3, 4), 0, 2, 2));
    const others = Array.from({ length: 8 }, () => numbers(9, 9, 9, 9));
    expect(values(view)).toEqual([3, 4]);
    for (const x of [view, ...others]) x.dispose();
    expect(made()).toBe(0);
  });
});

describe('a copy for the user', () => {
  it('stays what it was when memory is used again, or grows', () => {
    const host = engine.scope(() => numbers(1, 2, 3).toHost());
    const grown = engine.scope(() => {
      Tensor.empty(engine, [engine.memory().size]);
      return engine.memory().size;
    });
    expect(grown).toBeGreaterThan(before.size);
    expect(Array.from(host.data)).toEqual([1, 2, 3]);
  });

  it('can be made of a tensor that is older than a growth of the memory', () => {
    const x = numbers(1, 2, 3);
    engine.scope(() => Tensor.empty(engine, [engine.memory().size]));
    expect(values(x)).toEqual([1, 2, 3]);
    expect(values(add(x, x))).toEqual([2, 4, 6]);
    x.dispose();
  });
});
