/** Views and the copies that end them: which element of x stands where. All exact. */
import { cat, chunk, contiguous, expand, narrow, permute, reshape, type Tensor, transpose, unflatten } from 'heed/ops';
import { EXACT } from './check.js';
import { build, sizeOf } from './f64.js';
import type { Numbers, OpCase } from './types.js';

export interface ViewShape {
  view: keyof typeof views;
  dims: readonly number[];
}

type Index = readonly number[];

interface View {
  op: (x: Tensor) => Tensor;
  /** Shape of the result, and where its elements come from. */
  dims: (dims: readonly number[]) => number[];
  source: (index: Index, dims: readonly number[]) => Index;
}

const exchange = (order: readonly number[]): View => ({
  op: (x) => permute(x, order),
  dims: (dims) => order.map((axis) => dims[axis] as number),
  source: (index) => order.map((_, axis) => index[order.indexOf(axis)] as number),
});

const last = (dims: readonly number[], length: number) => [...dims.slice(0, -1), length];
const moved = (index: Index, by: number) => [...index.slice(0, -1), (index.at(-1) as number) + by];

/** What can be seen of x [a, b, c]. */
export const views = {
  contiguous: { op: contiguous, dims: (dims) => [...dims], source: (index) => index },
  'transpose 0 1': { ...exchange([1, 0, 2]), op: (x) => transpose(x, 0, 1) },
  'transpose −1 −2': { ...exchange([0, 2, 1]), op: (x) => transpose(x, -1, -2) },
  'permute 2 0 1': exchange([2, 0, 1]),
  narrow: {
    op: (x) => narrow(x, -1, 1, x.dim(-1) - 1),
    dims: (dims) => last(dims, (dims.at(-1) as number) - 1),
    source: (index) => moved(index, 1),
  },
  'narrow of a transpose': {
    op: (x) => narrow(transpose(x, 0, 2), 0, 1, x.dim(2) - 1),
    dims: ([a, b, c]) => [(c as number) - 1, b as number, a as number],
    source: ([i, j, k]) => [k as number, j as number, (i as number) + 1],
  },
  'second chunk of two': {
    op: (x) => chunk(x, 2, -1)[1] as Tensor,
    dims: (dims) => last(dims, (dims.at(-1) as number) / 2),
    source: (index, dims) => moved(index, (dims.at(-1) as number) / 2),
  },
  'expand in front': { op: (x) => expand(x, [2, ...x.shape]), dims: (dims) => [2, ...dims], source: (index) => index.slice(1) },
  'expand within': {
    op: (x) => expand(narrow(x, 1, 0, 1), x.shape),
    dims: (dims) => [...dims],
    source: ([i, , k]) => [i as number, 0, k as number],
  },
  'unflatten and transpose': {
    op: (x) => transpose(unflatten(x, -1, [2, -1]), 1, 2),
    dims: ([a, b, c]) => [a as number, 2, b as number, (c as number) / 2],
    source: ([i, j, k, l], dims) => [i as number, k as number, (j as number) * ((dims[2] as number) / 2) + (l as number)],
  },
  'reshape of a transpose': {
    op: (x) => reshape(transpose(x, 0, 1), [-1, x.dim(2)]),
    dims: ([a, b, c]) => [(a as number) * (b as number), c as number],
    source: ([i, k], [a]) => [(i as number) % (a as number), Math.floor((i as number) / (a as number)), k as number],
  },
  'cat along 0': { op: (x) => cat([x, x], 0), dims: ([a, ...rest]) => [2 * (a as number), ...rest], source: wrap(0) },
  'cat along 1': {
    op: (x) => cat([x, transpose(transpose(x, 0, 1), 0, 1)], 1),
    dims: ([a, b, c]) => [a as number, 2 * (b as number), c as number],
    source: wrap(1),
  },
  'cat along −1': { op: (x) => cat([x, x, x], -1), dims: (dims) => last(dims, 3 * (dims.at(-1) as number)), source: wrap(2) },
} as const satisfies Record<string, View>;

function wrap(axis: number): View['source'] {
  return (index, dims) => index.map((i, a) => (a === axis ? i % (dims[a] as number) : i));
}

const sizes = [
  [2, 3, 4],
  [1, 1, 2],
  [5, 1, 6],
  [3, 4, 10],
];

export const viewCase: OpCase<ViewShape, { x: Numbers }> = {
  name: 'views',
  shapes: (Object.keys(views) as (keyof typeof views)[]).flatMap((view) => sizes.map((dims) => ({ view, dims }))),
  bench: [
    { view: 'transpose 0 1', dims: [128, 12, 32] },
    { view: 'transpose −1 −2', dims: [1, 512, 1536] },
  ],
  inputs: ({ dims }, random) => ({ x: random.floats(dims) }),
  run: (_, { x }, { view }) => contiguous(views[view].op(x)),
  oracle({ x }, { view, dims }) {
    const { source, ...rule } = views[view] as View;
    return build(
      rule.dims(dims),
      (index) => x.data[source(index, dims).reduce((at, i, axis) => at * (dims[axis] as number) + i, 0)] as number,
    );
  },
  gradients: ['x'],
  tolerance: EXACT,
  flops: ({ dims }) => sizeOf(dims),
};
