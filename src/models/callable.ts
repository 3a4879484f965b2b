/** Models and pipelines are functions that have members, as transformers.js's are: `model(inputs)` is `model.call(inputs)`. */
import type { EngineInfo } from '../engine/engine.js';

interface Called {
  call(...args: never[]): Promise<unknown>;
  readonly info: EngineInfo;
  dispose(): void;
}

/** Makes a function of an object with its members: `info`, `call`, `dispose`, its own properties, and the named methods. */
export function callable<T extends Called>(made: T, methods: readonly (keyof T & string)[] = []): T & T['call'] {
  const bound = ['call' as const, 'dispose' as const, ...methods].map((name) => [name, (made[name] as T['call']).bind(made)]);
  const call = (...args: never[]) => made.call(...args);
  return Object.assign(call, { ...made, ...Object.fromEntries(bound), info: made.info }) as unknown as T & T['call'];
}
