/** What the methods of host tensors share: their element types, and the checks of what they are given. */
import { HeedError, kindOf } from '../errors.js';
import { type AnyData, type ArrayOf, type HostDtype, HostTensor } from './tensor.js';

/** Any tensor's numbers as the methods compute with them: bigints too go through the same code, whose operators know both. */
export type Numbers = { readonly length: number; [index: number]: number } & Iterable<number>;
type Maker<Data> = {
  new (length: number): Data;
  from(values: Iterable<unknown> | ArrayLike<unknown>, map?: (value: never) => unknown): Data;
};

/** The arrays by element type. Runtimes without Float16Array have no float16. */
const makers = (): { [T in HostDtype]: Maker<ArrayOf[T]> | undefined } =>
  ({
    ...{ float32: Float32Array, float64: Float64Array, float16: (globalThis as { Float16Array?: unknown }).Float16Array },
    ...{ int8: Int8Array, uint8: Uint8Array, int16: Int16Array, uint16: Uint16Array, int32: Int32Array, uint32: Uint32Array },
    ...{ int64: BigInt64Array, uint64: BigUint64Array, bool: Uint8Array },
  }) as never;

/** The constructor of an element type's array. Throws DTYPE where there is no such type. */
export function makerOf<T extends HostDtype>(type: T): Maker<ArrayOf[T]> {
  const all = makers();
  const found = typeof type === 'string' && Object.hasOwn(all, type) ? all[type] : undefined;
  if (found) return found;
  const known = (Object.keys(all) as HostDtype[]).filter((name) => all[name]);
  throw new HeedError('DTYPE', `There is no tensor of ${kindOf(type)}`, { culprit: 'type', cure: `Use ${known}` });
}

export const isBig = ({ type }: { type: HostDtype }): boolean => type.endsWith('int64');
export const isFloat = ({ type }: { type: HostDtype }): boolean => type.startsWith('float');

/** A tensor of this element type that takes these numbers in. */
export function made<T extends HostDtype>(type: T, values: ArrayLike<number | bigint>, dims: readonly number[]): HostTensor<ArrayOf[T]> {
  return new HostTensor<ArrayOf[T]>(type, makerOf(type).from(values), [...dims]);
}

/** The same element type, and room for so many. */
export const roomFor = (x: { data: AnyData }, length: number): Numbers => new (x.data.constructor as new (n: number) => Numbers)(length);

export const numbersOf = (x: { data: AnyData }): Numbers => x.data as unknown as Numbers;
export const product = (dims: readonly number[]): number => dims.reduce((n, d) => n * d, 1);

export const wrongValue = (where: string, argument: string, value: unknown, cure: string): HeedError =>
  new HeedError('ARGUMENT', `${where}: ${argument} is ${typeof value === 'bigint' ? `${value}n` : kindOf(value)}`, {
    culprit: argument,
    cure,
  });

export const wrongDims = (where: string, dims: readonly number[], problem: string, cure: string): HeedError =>
  new HeedError('SHAPE', `${where}: a tensor [${dims}] ${problem}`, { culprit: 'tensor', shape: dims, cure });

export const wrongType = (where: string, { type, dims }: { type: string; dims: readonly number[] }, cure: string): HeedError =>
  new HeedError('DTYPE', `${where}: the tensor is ${type}`, { culprit: 'tensor', shape: dims, cure });

/** Throws ARGUMENT for what is no host tensor. */
export function expectHost(where: string, argument: string, x: unknown): asserts x is HostTensor<AnyData> {
  if (!(x instanceof HostTensor)) throw wrongValue(where, argument, x, 'It must be a tensor: new Tensor(type, data, dims)');
}

/** A place among so many; negative ones count from the end. Throws ARGUMENT where there is none. */
export function placeOf(where: string, argument: string, index: unknown, length: number): number {
  const place = Number.isInteger(index) ? ((index as number) < 0 ? (index as number) + length : (index as number)) : -1;
  if (place >= 0 && place < length) return place;
  throw wrongValue(where, argument, index, length ? `It is a whole number from ${-length} to ${length - 1}` : 'There is none');
}

/** Whole numbers, given one by one or as one list. Throws ARGUMENT for others. */
export function sizesOf(where: string, argument: string, given: readonly (number | readonly number[])[], least = 0): number[] {
  const sizes = given.flat() as number[];
  const wrong = sizes.findIndex((d) => !(Number.isSafeInteger(d) && d >= least));
  if (wrong >= 0) throw wrongValue(where, argument, sizes[wrong], `It holds whole numbers from ${least}`);
  return sizes;
}

/** The number to compute with: a bigint for int64 and uint64, a number for the rest, as JavaScript's operators want it. Throws ARGUMENT. */
export function operandFor(where: string, x: { type: HostDtype }, value: unknown): number {
  const kind = isBig(x) ? 'bigint' : 'number';
  if (typeof value === kind) return value as number;
  throw wrongValue(where, 'val', value, `A tensor of ${x.type} takes a ${kind}`);
}
