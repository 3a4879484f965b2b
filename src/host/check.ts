/** Element types and argument checks that the methods of host tensors share. */
import { HeedError, kindOf } from '../errors.js';
import { type AnyData, type ArrayOf, type HostDtype, HostTensor } from './tensor.js';

/** Numbers of any tensor, as the methods compute with them: bigints go through the same code, since the operators work on both. */
export type Numbers = { readonly length: number; [index: number]: number } & Iterable<number>;
type Maker<Data> = {
  new (length: number): Data;
  from(values: Iterable<unknown> | ArrayLike<unknown>, map?: (value: never) => unknown): Data;
};

/** Arrays by element type. Runtimes without Float16Array have no float16. */
const makers = (): { [T in HostDtype]: Maker<ArrayOf[T]> | undefined } =>
  ({
    ...{ float32: Float32Array, float64: Float64Array, float16: (globalThis as { Float16Array?: unknown }).Float16Array },
    ...{ int8: Int8Array, uint8: Uint8Array, int16: Int16Array, uint16: Uint16Array, int32: Int32Array, uint32: Uint32Array },
    ...{ int64: BigInt64Array, uint64: BigUint64Array, bool: Uint8Array },
  }) as never;

/** Returns the constructor of an element type's array. Throws DTYPE where there is no such type. */
export function makerOf<T extends HostDtype>(type: T): Maker<ArrayOf[T]> {
  const all = makers();
  const found = typeof type === 'string' && Object.hasOwn(all, type) ? all[type] : undefined;
  if (found) return found;
  const known = (Object.keys(all) as HostDtype[]).filter((name) => all[name]);
  throw new HeedError('DTYPE', `There is no tensor of ${kindOf(type)}`, { culprit: 'type', cure: `Use ${known}` });
}

export const isBig = ({ type }: { type: HostDtype }): boolean => type.endsWith('int64');
export const isFloat = ({ type }: { type: HostDtype }): boolean => type.startsWith('float');

/** Creates a tensor of an element type, with converted numbers. */
export function made<T extends HostDtype>(type: T, values: ArrayLike<number | bigint>, dims: readonly number[]): HostTensor<ArrayOf[T]> {
  return new HostTensor<ArrayOf[T]>(type, makerOf(type).from(values), [...dims]);
}

/** Creates an array of a tensor's element type, of the given length. */
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

/** Throws ARGUMENT for a value that is no host tensor. */
export function expectHost(where: string, argument: string, x: unknown): asserts x is HostTensor<AnyData> {
  if (!(x instanceof HostTensor)) throw wrongValue(where, argument, x, 'It must be a tensor: new Tensor(type, data, dims)');
}

/** Returns an index from 0 to `length` - 1; negative ones count from the end. Throws ARGUMENT where there is no such index. */
export function placeOf(where: string, argument: string, index: unknown, length: number): number {
  const place = Number.isInteger(index) ? ((index as number) < 0 ? (index as number) + length : (index as number)) : -1;
  if (place >= 0 && place < length) return place;
  throw wrongValue(where, argument, index, length ? `It is a whole number from ${-length} to ${length - 1}` : 'There is none');
}

/** Returns whole numbers, given one by one or as one list. Throws ARGUMENT for other values. */
export function sizesOf(where: string, argument: string, given: readonly (number | readonly number[])[], least = 0): number[] {
  const sizes = given.flat() as number[];
  const wrong = sizes.findIndex((d) => !(Number.isSafeInteger(d) && d >= least));
  if (wrong >= 0) throw wrongValue(where, argument, sizes[wrong], `It holds whole numbers from ${least}`);
  return sizes;
}

/** Returns the operand in the form that JavaScript's operators need: a bigint for int64 and uint64, a number for the rest. Throws ARGUMENT for other values. */
export function operandFor(where: string, x: { type: HostDtype }, value: unknown): number {
  const kind = isBig(x) ? 'bigint' : 'number';
  if (typeof value === kind) return value as number;
  throw wrongValue(where, 'val', value, `A tensor of ${x.type} takes a ${kind}`);
}
