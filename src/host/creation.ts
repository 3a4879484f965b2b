/** Host tensors of one constant, or of random numbers, under transformers.js's names. */
import { Random } from '../random.js';
import { expectHost, product, sizesOf, wrongValue } from './check.js';
import { Tensor } from './construct.js';
import type { AnyData, HostTensor } from './tensor.js';

type Filled<T> = HostTensor<T extends bigint ? BigInt64Array : T extends boolean ? Uint8Array : Float32Array>;

const kinds = { number: 'float32', bigint: 'int64', boolean: 'bool' } as const;

const like = (where: string, tensor: HostTensor<AnyData>): number[] => {
  expectHost(where, 'tensor', tensor);
  return tensor.dims;
};

/** Creates a tensor that is `fill_value` everywhere: float32 for a number, int64 for a bigint, bool for true or false. */
export function full<T extends number | bigint | boolean>(size: readonly number[], fill_value: T): Filled<T> {
  const type = Object.hasOwn(kinds, typeof fill_value) ? kinds[typeof fill_value as keyof typeof kinds] : undefined;
  if (!type) throw wrongValue('full', 'fill_value', fill_value, 'Give a number, a bigint, true or false');
  const dims = sizesOf('full', 'size', [size]);
  return new Tensor(type, new Array(product(dims)).fill(fill_value), dims) as unknown as Filled<T>;
}

/** `full` with a tensor's dims. */
export const full_like = <T extends number | bigint | boolean>(tensor: HostTensor<AnyData>, fill_value: T): Filled<T> =>
  full(like('full_like', tensor), fill_value);

/** Creates a tensor of 1n: int64, as in transformers.js. `full(size, 1)` is float32. */
export const ones = (size: readonly number[]): HostTensor<BigInt64Array> => full(size, 1n);

/** `ones` with a tensor's dims. */
export const ones_like = (tensor: HostTensor<AnyData>): HostTensor<BigInt64Array> => ones(like('ones_like', tensor));

/** Creates a tensor of 0n: int64, as in transformers.js. `full(size, 0)` is float32. */
export const zeros = (size: readonly number[]): HostTensor<BigInt64Array> => full(size, 0n);

/** `zeros` with a tensor's dims. */
export const zeros_like = (tensor: HostTensor<AnyData>): HostTensor<BigInt64Array> => zeros(like('zeros_like', tensor));

function drawn(where: string, size: readonly number[], draw: (chance: Random) => number): HostTensor<Float32Array> {
  const dims = sizesOf(where, 'size', [size]);
  const chance = new Random(Math.floor(Math.random() * 2 ** 53));
  return new Tensor(
    'float32',
    Float32Array.from({ length: product(dims) }, () => draw(chance)),
    dims,
  );
}

/** Creates a float32 tensor of random numbers from 0 up to, but never, 1, all equally likely. */
export const rand = (size: readonly number[]): HostTensor<Float32Array> =>
  // A float32 has 24 bits there: more would be rounded, up to 1 at worst.
  drawn('rand', size, (chance) => (chance.uint32() >>> 8) / 2 ** 24);

/** Creates a float32 tensor of random numbers from the normal distribution with mean 0 and deviation 1. */
export const randn = (size: readonly number[]): HostTensor<Float32Array> => drawn('randn', size, (chance) => chance.normal());
