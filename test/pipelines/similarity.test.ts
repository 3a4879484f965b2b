/** cos_sim, dot, magnitude, semantic_search: what they are by definition, on every kind of vector, and fast enough for a large collection. */

import { describe, expect, it } from 'vitest';
import { cos_sim, dot, euclidean_sim, HostTensor, magnitude, manhattan_sim, semantic_search, similarity } from '../../dist/entry/node.js';
import { Random } from '../cases/random.js';
import fc from '../draws.js';

const codeOf = (run: () => unknown) => {
  try {
    run();
  } catch (error) {
    return (error as { code?: string }).code;
  }
  return undefined;
};
const numbers = fc.array(fc.float({ min: -100, max: 100, noNaN: true }), { minLength: 1, maxLength: 20 });

describe('two vectors', () => {
  it('have a dot product, lengths and a cosine', () => {
    expect(dot([1, 2, 3], [4, 5, 6])).toBe(32);
    expect(magnitude([3, 4])).toBe(5);
    expect(cos_sim([1, 0], [1, 1])).toBeCloseTo(Math.SQRT1_2, 12);
    expect(cos_sim(Float32Array.of(1, 2), [-2, -4])).toBeCloseTo(-1, 12);
    expect(dot([], [])).toBe(0);
  });

  it('are as alike as their definition says, the same in both orders, and at most 1', () => {
    fc.assert(
      fc.property(numbers, fc.integer(), (a, seed) => {
        const b = a.map((x, i) => x * Math.cos(seed + i));
        const sum = a.reduce((s, x, i) => s + x * (b[i] as number), 0);
        const [p, q] = [Math.hypot(...a), Math.hypot(...b)];
        expect(dot(a, b)).toBeCloseTo(sum, 6);
        expect(cos_sim(a, b)).toBe(cos_sim(b, a));
        expect(cos_sim(a, b)).toBeCloseTo(p * q === 0 ? 0 : sum / (p * q), 6);
        expect(Math.abs(cos_sim(a, a))).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('of which one is all zeros are not alike, and one with a NaN is like none', () => {
    expect(cos_sim([0, 0], [1, 2])).toBe(0);
    expect(cos_sim([0, 0], [0, 0])).toBe(0);
    expect(cos_sim([Number.NaN, 0], [1, 2])).toBeNaN();
    expect(cos_sim([Number.NaN, 0], [0, 0])).toBeNaN();
  });

  it('are as far from each other as their distances say, below 0', () => {
    expect(euclidean_sim([1, 2], [4, 6])).toBe(-5);
    expect(manhattan_sim([1, 2], Float32Array.of(4, 6))).toBe(-7);
    expect(codeOf(() => euclidean_sim([1], [1, 2]))).toBe('SHAPE');
  });

  it('of two collections are compared by any measure', () => {
    const [a, b] = [
      [
        [1, 0],
        [0, 2],
      ],
      new HostTensor('float32', Float32Array.of(1, 0, 3, 4, 0, 1), [3, 2]),
    ];
    expect(similarity(a, b)).toEqual([
      [1, expect.closeTo(0.6), 0],
      [0, expect.closeTo(0.8), 1],
    ]);
    expect(similarity(a, b, 'dot')).toEqual([
      [1, 3, 0],
      [0, 8, 2],
    ]);
    expect(similarity([1, 0], b, 'manhattan')).toEqual([[-0, -6, -2]]);
    expect(similarity([1, 0], b, 'euclidean')).toEqual([[-0, -Math.sqrt(20), -Math.SQRT2]]);
    expect(similarity([], b)).toEqual([]);
    expect(codeOf(() => similarity([[1]], b))).toBe('SHAPE');
    expect(codeOf(() => similarity(a, b, 'maxsim' as never))).toBe('ARGUMENT');
  });

  it.each(['dot', 'euclidean', 'manhattan'] as const)('are searched by %s as they are compared', (name) => {
    const random = new Random(7);
    const [queries, corpus] = [random.floats([3, 5], 1), random.floats([40, 5], 1)].map(
      ({ data, dims }) => new HostTensor('float32', data, [...dims]),
    );
    const all = similarity(queries as HostTensor<Float32Array>, corpus as HostTensor<Float32Array>, name);
    const found = semantic_search(queries as HostTensor<Float32Array>, corpus as HostTensor<Float32Array>, {
      score_function: name,
      top_k: 4,
    });
    for (const [i, hits] of found.entries()) {
      const best = (all[i] as number[])
        .map((score, id) => ({ score, id }))
        .sort((a, b) => b.score - a.score)
        .slice(0, 4);
      expect(hits).toEqual(best.map(({ score, id }) => ({ corpus_id: id, score: expect.closeTo(score, 5) })));
    }
  });

  it('of different lengths, or that are none, throw', () => {
    expect(codeOf(() => dot([1], [1, 2]))).toBe('SHAPE');
    expect(codeOf(() => cos_sim([1], [1, 2]))).toBe('SHAPE');
    expect(codeOf(() => cos_sim('ab' as never, [1, 2]))).toBe('ARGUMENT');
    expect(codeOf(() => magnitude(undefined as never))).toBe('ARGUMENT');
    expect(codeOf(() => dot([1, Symbol('x')] as never, [1, 2]))).toBe('ARGUMENT');
    expect(codeOf(() => magnitude(new BigInt64Array(2) as never))).toBe('ARGUMENT');
  });
});

describe('a search', () => {
  const corpus = [
    [1, 0],
    [0, 1],
    [1, 1],
    [0, 0],
    [-1, 0],
  ];

  it('gives the most alike first; of equals, the one that comes first', () => {
    expect(semantic_search([[2, 0]], corpus)).toEqual([
      [
        { corpus_id: 0, score: 1 },
        { corpus_id: 2, score: Math.fround(Math.SQRT1_2) },
        { corpus_id: 1, score: 0 },
        { corpus_id: 3, score: 0 },
        { corpus_id: 4, score: -1 },
      ],
    ]);
    expect(semantic_search([2, 1], corpus, { top_k: 2, score_function: 'dot' })).toEqual([
      [
        { corpus_id: 2, score: 3 },
        { corpus_id: 0, score: 2 },
      ],
    ]);
  });

  it('takes lists, typed arrays and tensors, and gives the same', () => {
    const flat = Float32Array.from(corpus.flat());
    const forms = [
      corpus,
      corpus.map((row) => Float32Array.from(row)),
      new HostTensor('float32', flat, [5, 2]),
      { data: flat, dims: [5, 2] },
    ];
    const queries = [
      [1, 2],
      [-1, 0.5],
    ];
    const found = forms.map((form) => semantic_search(queries, form, { top_k: 3 }));
    for (const one of found) expect(one).toEqual(found[0]);
    expect(found[0]).toHaveLength(2);
    expect(semantic_search(new HostTensor('float32', Float32Array.of(1, 2, -1, 0.5), [2, 2]), corpus, { top_k: 3 })).toEqual(found[0]);
  });

  it('for many queries gives what it gives for each', () => {
    const random = new Random(3);
    const vectors = (n: number) => Array.from({ length: n }, () => Array.from({ length: 5 }, () => random.next() - 0.5));
    const [queries, many] = [vectors(40), vectors(60)];
    for (const score_function of ['cos_sim', 'dot'] as const) {
      const options = { top_k: 4, score_function };
      expect(semantic_search(queries, many, options)).toEqual(queries.flatMap((query) => semantic_search(query, many, options)));
    }
  });

  it('passes over what holds a NaN', () => {
    const broken = [
      [Number.NaN, 1],
      [0, 1],
      [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
    ];
    expect(semantic_search([0, 1], broken)).toEqual([[{ corpus_id: 1, score: 1 }]]);
    expect(semantic_search([Number.NaN, 1], corpus)).toEqual([[]]);
  });

  it('of nothing, or for nothing, finds nothing', () => {
    expect(semantic_search([[1, 2]], [])).toEqual([[]]);
    expect(semantic_search([], corpus)).toEqual([]);
    expect(semantic_search([1, 2], new HostTensor('float32', new Float32Array(0), [0, 2]))).toEqual([[]]);
  });

  it('says what is wrong', () => {
    expect(codeOf(() => semantic_search([1, 2, 3], corpus))).toBe('SHAPE');
    expect(codeOf(() => semantic_search([1, 2], [[1, 2], [1]]))).toBe('SHAPE');
    expect(codeOf(() => semantic_search([1, 2], { data: new Float32Array(8), dims: [2, 2, 2] }))).toBe('SHAPE');
    expect(codeOf(() => semantic_search([1, 2], { data: new Float32Array(7), dims: [4, 2] }))).toBe('SHAPE');
    expect(codeOf(() => semantic_search([1, 2], 'corpus' as never))).toBe('ARGUMENT');
    expect(codeOf(() => semantic_search([1, 2], { data: new BigInt64Array(4) as never, dims: [2, 2] }))).toBe('ARGUMENT');
    expect(codeOf(() => semantic_search([1, 2], corpus, { top_k: 0 }))).toBe('ARGUMENT');
    expect(codeOf(() => semantic_search([1, 2], corpus, { score_function: 'euclid' as never }))).toBe('ARGUMENT');
    expect(codeOf(() => semantic_search([1, 2], corpus, { topk: 3 } as object))).toBe('UNSUPPORTED');
    expect(codeOf(() => semantic_search([1, 2], corpus, 3 as never))).toBe('ARGUMENT');
  });

  it('finds one of 100,000 vectors of 384 numbers', () => {
    const random = new Random(7);
    const data = Float32Array.from({ length: 100_000 * 384 }, () => 2 * random.next() - 1);
    const query = data.subarray(77 * 384, 78 * 384);
    const [hits] = semantic_search(query, { data, dims: [100_000, 384] }, { top_k: 5 });
    expect(hits?.[0]).toEqual({ corpus_id: 77, score: 1 });
    expect(hits).toHaveLength(5);
  });
});
