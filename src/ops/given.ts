/** Operands of ops: an engine's tensors, and host tensors, which are copied into the engine for the duration of the op. */
import { Engine } from '../engine/engine.js';
import { HeedError } from '../errors.js';
import { type AnyData, HostTensor, type Matrix, type Tensor, tensor } from '../tensor.js';

/** A tensor of an engine, or a host tensor, which is copied into the engine for the call. */
export type TensorLike = Tensor | HostTensor<AnyData>;

/** Argument as users may give it: with host tensors in place of tensors, in options too. */
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

/** `true` for a host tensor, or options or a list with one. */
export const holdsHost = (value: unknown): boolean =>
  value instanceof HostTensor || (isPlain(value) && Object.values(value).some(holdsHost));

/** Engine of an op without an operand in any engine: the one that was made or used last, while it lives. Throws ARGUMENT where there is none. */
export function latestEngine(): Engine {
  if (Engine.latest) return Engine.latest;
  throw new HeedError('ARGUMENT', 'An op of host tensors needs an engine, and there is none', {
    culprit: 'x',
    cure: 'Make one with createEngine()',
  });
}

/** Copies the host tensors of a value into the engine; the copies belong to the open scope. */
export function entered<T>(value: Given<T>, engine?: Engine): T {
  if (value instanceof HostTensor) return tensor(engine ?? latestEngine(), value) as T;
  if (!holdsHost(value)) return value as T;
  if (Array.isArray(value)) return value.map((item) => entered(item, engine)) as T;
  return Object.fromEntries(Object.entries(value as object).map(([name, item]) => [name, entered(item, engine)])) as T;
}

/** Returns the result of `run` on the arguments, in a scope of its own where some of them have to be copied in. */
export function withEntered<Args extends unknown[], Y>(engine: Engine, given: GivenAll<Args>, run: (...args: Args) => Y): Y {
  if (!given.some(holdsHost)) return run(...(given as unknown as Args));
  return engine.scope(() => run(...(given.map((value) => entered(value, engine)) as Args)));
}
