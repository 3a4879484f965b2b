/** Host tensors against transformers.js on a grid of shapes, types and arguments, and against PyTorch where transformers.js is wrong. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import * as heed from 'heed';
import { describe, expect, it } from 'vitest';

type Answer = { value?: unknown; error?: string };
type Call = Answer & { method: string; args: unknown[] };
type Group = { type: string; dims: number[]; data: unknown[]; calls: Call[] };
type Case = Call & Pick<Group, 'type' | 'dims' | 'data'>;

const read = (name: string) => JSON.parse(String(gunzipSync(readFileSync(new URL(`../fixtures/tensor/${name}.json.gz`, import.meta.url)))));
const { methods, functions, constructed } = read('grid') as {
  methods: Group[];
  functions: (Answer & { name: string; args: unknown[] })[];
  constructed: (Answer & { args: unknown[] })[];
};
const torch = read('torch').calls as (Omit<Case, 'data'> & { data: unknown[]; of: number[] })[];

const words: Record<string, number> = {
  '-0': -0,
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
};
function revive(x: unknown): unknown {
  if (Array.isArray(x)) return x.map(revive);
  if (typeof x === 'string') return /^-?\d+n$/.test(x) ? BigInt(x.slice(0, -1)) : (words[x] ?? x);
  if (typeof x !== 'object' || x === null) return x;
  const { tensor } = x as { tensor?: unknown[] };
  if (tensor) return new heed.Tensor(...(tensor.map(revive) as [never, never, never]));
  return Object.fromEntries(Object.entries(x).map(([name, value]) => [name, revive(value)]));
}

const plain = (x: unknown): unknown =>
  x instanceof heed.Tensor
    ? { type: x.type, dims: x.dims, data: Array.from(x.data as ArrayLike<unknown>) }
    : Array.isArray(x)
      ? x.map(plain)
      : x;

function isNear(a: unknown, b: unknown): boolean {
  if (typeof b === 'number')
    return typeof a === 'number' && (Object.is(a, b) || a === b || Math.abs(a - b) <= 2e-6 * Math.max(1, Math.abs(b)));
  if (typeof b !== 'object' || b === null || typeof a !== 'object' || a === null) return a === b;
  const [p, q] = [Object.entries(a), Object.entries(b)];
  return p.length === q.length && q.every(([name, value]) => isNear((a as Record<string, unknown>)[name], value));
}

/** Undefined where heed answers so, and its errors are heed's; else what it answers instead. */
async function complaint(run: () => unknown, { value, error }: Answer): Promise<string | undefined> {
  try {
    const got = plain(await run());
    if (error === undefined && isNear(got, revive(value))) return undefined;
    return JSON.stringify(got, (_, x) => (typeof x === 'bigint' ? `${x}n` : x)) ?? 'undefined';
  } catch (thrown) {
    if (!(thrown instanceof heed.HeedError) || !thrown.culprit || !thrown.cure) return `not as heed throws: ${thrown}`;
    return error === undefined ? thrown.message : undefined;
  }
}

const made = ({ type, dims, data }: Pick<Group, 'type' | 'dims' | 'data'>) =>
  new heed.Tensor(type as 'float32', revive(data) as number[], dims) as unknown as Record<string, (...args: unknown[]) => unknown>;

const isInteger = (type: string) => !type.startsWith('float');
const isBig = (type: string) => type.endsWith('int64');

/** Where heed does not answer as transformers.js does, and why. */
const differences: Record<string, (call: Case) => boolean> = {
  'a norm is of sizes, not of signed numbers, and does not wrap around on its way': ({ method }) =>
    method === 'norm' || method === 'normalize',
  'bool is what is not 0': ({ method, args }) => method === 'to' && args[0] === 'bool',
  'fractions are cut off for 64 bits as they are for 32': ({ method, args, type }) =>
    method === 'to' && isBig(String(args[0])) && !isInteger(type),
  'integers have a least and a greatest along an axis': ({ method, args, type }) =>
    ['min', 'max'].includes(method) && typeof args[0] === 'number' && isInteger(type),
  'argmin and argmax take an axis': ({ method, args }) => ['argmin', 'argmax'].includes(method) && args.length > 0,
  'an empty axis has a sum': ({ method, dims }) => ['sum', 'mean'].includes(method) && dims.includes(0),
  'operands are checked where there are no numbers, too': ({ dims, value }) => dims.includes(0) && value !== undefined,
  'a tensor [] has one place': ({ method, dims }) => method === '_getitem' && dims.length === 0,
  'slices are for axes that are there': ({ method, args, dims }) =>
    method === 'slice' && (dims.length === 0 ? args.length === 0 : args.length > dims.length),
  'flatten is of axes that are there, from the first to the last': ({ method }) => method.startsWith('flatten'),
  'permute names each axis': ({ method, args, dims }) => method === 'permute' && args.length !== dims.length,
  'transpose exchanges two axes': ({ method, args }) => method === 'transpose' && args.length === 2,
  'int64 is rounded and has bounds': ({ method, type }) => ['round', 'clamp'].includes(method) && isBig(type),
  'int64 has no mean, of single numbers neither': ({ method, type }) => method === 'mean' && isBig(type),
};

describe('the methods of a host tensor', async () => {
  const all: [Case, string | undefined][] = [];
  for (const { calls, ...group } of methods)
    for (const call of calls) {
      const one = { ...group, ...call };
      all.push([one, await complaint(() => made(one)[call.method]?.(...(revive(call.args) as unknown[])), call)]);
    }
  const nameOf = (call: Case) => Object.keys(differences).find((name) => differences[name]?.(call));

  it('answer as transformers.js does, but where the differences are named', () => {
    expect(all.length).toBeGreaterThan(9000);
    const wrong = all.filter(([call, instead]) => instead !== undefined && (nameOf(call) === undefined || instead.startsWith('not as')));
    expect(
      wrong.map(([{ method, args, type, dims, value, error }, instead]) => [method, args, type, dims, value ?? error, instead]),
    ).toEqual([]);
  });

  it.each(Object.keys(differences))('differ in that %s', (name) => {
    expect(all.some(([call, instead]) => instead !== undefined && differences[name]?.(call))).toBe(true);
  });

  it('answer as PyTorch does where they differ', async () => {
    const inputs = new Map(methods.map((group) => [`${group.type} ${group.dims}`, group]));
    const wrong: unknown[] = [];
    for (const { type, of, method, args, error, dims, data } of torch) {
      const run = () => {
        const y = made(inputs.get(`${type} ${of}`) as Group)[method]?.(...(revive(args) as unknown[])) as heed.HostTensor;
        return { dims: y.dims, data: Array.from(y.data, Number) };
      };
      const instead = await complaint(run, error ? { error } : { value: { dims, data } });
      if (instead !== undefined) wrong.push([method, args, type, of, error ?? data, instead]);
    }
    expect(torch.length).toBeGreaterThan(300);
    expect(wrong).toEqual([]);
  });
});

describe('the functions of host tensors', () => {
  // Its variance, not its deviation, gets eps in transformers.js: the difference is in the sixth digit.
  it.each(functions.filter(({ name }) => name !== 'layer_norm').map((call, i) => [`${call.name} ${i}`, call] as const))(
    'answer as transformers.js does: %s',
    async (_, { name, args, ...answer }) => {
      const run = () => (heed as unknown as Record<string, (...args: unknown[]) => unknown>)[name]?.(...(revive(args) as unknown[]));
      expect(await complaint(run, answer)).toBeUndefined();
    },
  );

  it.each(constructed.map((call) => [JSON.stringify(call.args), call] as const))(
    'the constructor takes what it takes: %s',
    async (_, call) => {
      const run = () => new heed.Tensor(...(revive(call.args) as [never, never, never]));
      expect(await complaint(run, call)).toBeUndefined();
    },
  );
});
