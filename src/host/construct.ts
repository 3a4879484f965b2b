/** `Tensor`, the name under which users create host tensors and use their methods. */
import { HeedError, kindOf } from '../errors.js';
import { isBig, makerOf, product, sizesOf, wrongDims, wrongValue } from './check.js';
import { Reductions } from './reductions.js';
import { type AnyData, type ArrayOf, type HostData, type HostDtype, HostTensor } from './tensor.js';

type Values = readonly (number | bigint | boolean)[];

/** Type of `Tensor`: `new Tensor(type, data, dims)`, and the prototype for `instanceof`. */
export interface TensorConstructor {
  /**
   * Creates a tensor: `data` is an array of the type's own kind, which is not copied, or a list, which is. Default of `dims`: one axis. Throws DTYPE for an unknown
   * type and for an array of another one, SHAPE where the numbers do not fill `dims`, ARGUMENT for values that are no numbers.
   * @example new Tensor('float32', [1, 2, 3, 4, 5, 6], [2, 3])
   */
  new <T extends HostDtype>(type: T, data: ArrayOf[T] | Values, dims?: readonly number[]): HostTensor<ArrayOf[T]>;
  /** Prototype of all host tensors, results of models too. */
  readonly prototype: HostTensor<AnyData>;
}

function checked(type: HostDtype, data: unknown, dims: unknown): ConstructorParameters<typeof HostTensor> {
  const values = entered(type, data);
  const shape = dims ?? [values.length];
  if (!Array.isArray(shape)) throw wrongValue('Tensor', 'dims', shape, 'It is a list of sizes');
  const sizes = sizesOf('Tensor', 'dims', shape);
  if (product(sizes) !== values.length)
    throw wrongDims('Tensor', sizes, `is not filled by ${values.length} numbers`, 'Give as many as the product of dims');
  return [type, values as HostData, sizes];
}

function entered(type: HostDtype, data: unknown): AnyData {
  const maker = makerOf(type);
  if (data instanceof (maker as unknown as typeof Float32Array)) return data;
  if (data instanceof Uint8ClampedArray && type === 'uint8') return Uint8Array.from(data);
  // Half-precision bits, as runtimes without Float16Array hold them.
  if (data instanceof Uint16Array && type === 'float16')
    return new (maker as unknown as typeof Uint16Array)(data.buffer as ArrayBuffer, data.byteOffset, data.length) as unknown as AnyData;
  if (!Array.isArray(data))
    throw new HeedError('DTYPE', `Tensor: ${kindOf(data)} holds no ${type}`, {
      culprit: 'data',
      cure: "Give a list, or the type's own array",
    });
  const big = isBig({ type });
  const isWrong = (x: unknown) => typeof x !== 'boolean' && (big ? !Number.isInteger(x) && typeof x !== 'bigint' : typeof x !== 'number');
  const wrong = Array.from(data as unknown[]).findIndex(isWrong);
  if (wrong >= 0) throw wrongValue('Tensor', 'data', data[wrong], `Give ${big ? 'whole numbers or bigints' : 'numbers'}`);
  return maker.from(data, big ? BigInt : undefined);
}

/** Property name that is an index. */
const INDEX = /^-?\d+$/;

/** Attaches the methods and the indexing `x[i]` to the class, once. */
export function attachMethods(): void {
  if (Object.getPrototypeOf(HostTensor.prototype) === Reductions.prototype) return;
  // The proxy is at the end of the prototype chain: a tensor's own properties are found before and cost nothing; an index is found nowhere else, and arrives here.
  const indices = new Proxy(Object.create(Object.prototype) as object, {
    get: (target, key, tensor) =>
      typeof key === 'string' && INDEX.test(key) ? (tensor as Reductions<AnyData>)._getitem(Number(key)) : Reflect.get(target, key, tensor),
    set(target, key, value, tensor) {
      if (typeof key !== 'string' || !INDEX.test(key)) return Reflect.set(target, key, value, tensor);
      throw wrongValue('tensor[…] = …', 'index', key, 'Write into tensor.data');
    },
  });
  let last: object = Reductions.prototype;
  while (Object.getPrototypeOf(last) !== Object.prototype) last = Object.getPrototypeOf(last);
  Object.setPrototypeOf(last, indices);
  Object.setPrototypeOf(HostTensor.prototype, Reductions.prototype);
}

function withMethods(): TensorConstructor {
  attachMethods();
  return new Proxy(HostTensor, {
    construct: (target, args, self) => Reflect.construct(target, checked(...(args as [HostDtype, unknown, unknown])), self),
  }) as unknown as TensorConstructor;
}

/**
 * Numbers in JavaScript memory with a shape, as in transformers.js: the inputs and outputs of models. All results have its methods in a program that names `Tensor`,
 * or any other export of this folder; `heed` does, heed/core leaves it to the program.
 */
export const Tensor: TensorConstructor = /* @__PURE__ */ withMethods();
/**
 * Numbers in JavaScript memory with a shape, as in transformers.js: the inputs and outputs of models.
 * @example
 * ```js
 * const x = new Tensor('float32', [1, 2, 3, 4, 5, 6], [2, 3]);
 * console.log(x.softmax(-1).tolist(), x.mean(1).tolist()); // …, [2, 5]
 * ```
 * @interface
 */
export type Tensor<Data extends AnyData = HostData> = HostTensor<Data>;
