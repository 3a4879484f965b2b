/** What ops take: an engine's tensors, and host tensors, which they copy into the engine for as long as they run. */
import { Engine } from '../engine/engine.js';
import { HeedError } from '../errors.js';
import { type AnyData, HostTensor, type Matrix, type Tensor, tensor } from '../tensor.js';

/** A tensor of an engine, or a host tensor, which is copied into the engine for the call. */
export type TensorLike = Tensor | HostTensor<AnyData>;

/** An argument as users may give it: with a host tensor wherever a tensor is meant, in options too. */
export type Given<T> = T extends Tensor
  ? TensorLike
  : T extends Matrix | Engine | readonly unknown[] | ((...args: never) => unknown)
    ? T
    : T extends object
      ? { [K in keyof T]: Given<T[K]> }
      : T;
export type GivenAll<T extends unknown[]> = { [K in keyof T]: Given<T[K]> };

const isPlain = (value: unknown): value is object =>
  Array.isArray(value) || (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype);

/** Whether a value is a host tensor, or options or a list with one. */
export const holdsHost = (value: unknown): boolean =>
  value instanceof HostTensor || (isPlain(value) && Object.values(value).some(holdsHost));

/** The engine that is meant where no operand has one: that of the last one made that lives. Throws ARGUMENT where there is none. */
export function latestEngine(): Engine {
  if (Engine.latest) return Engine.latest;
  throw new HeedError('ARGUMENT', 'An op of host tensors needs an engine, and there is none', {
    culprit: 'x',
    cure: 'Make one with createEngine()',
  });
}

/** The value with its host tensors copied into the engine; those belong to the scope that is open. */
export function entered<T>(value: Given<T>, engine?: Engine): T {
  if (value instanceof HostTensor) return tensor(engine ?? latestEngine(), value) as T;
  if (!holdsHost(value)) return value as T;
  if (Array.isArray(value)) return value.map((item) => entered(item, engine)) as T;
  return Object.fromEntries(Object.entries(value as object).map(([name, item]) => [name, entered(item, engine)])) as T;
}

/** What `run` makes of arguments, in a scope of its own where some of them have to be copied in. */
export function withEntered<Args extends unknown[], Y>(engine: Engine, given: GivenAll<Args>, run: (...args: Args) => Y): Y {
  if (!given.some(holdsHost)) return run(...(given as unknown as Args));
  return engine.scope(() => run(...(given.map((value) => entered(value, engine)) as Args)));
}
