/**
 * Sinusoidal positions (Vaswani et al. 2017, §3.5):  PE[t, 2i] = sin(t / 10000^(2i/C)),  PE[t, 2i+1] = cos(t / 10000^(2i/C)).
 */
import type { Engine } from '../engine/engine.js';
import { cos, pow, sin } from '../math.js';
import { wrongArgument } from '../ops/check.js';
import { type Tensor, tensor } from '../tensor.js';

/** Rows `from` … `from + T − 1` of the table: [T, C]. C must be even. */
export function sinusoids(engine: Engine, T: number, C: number, from = 0): Tensor {
  if (!(Number.isSafeInteger(C) && C >= 2 && C % 2 === 0)) throw wrongArgument('sinusoids', 'C', C, 'Channels must form pairs');
  const rates = Array.from({ length: C / 2 }, (_, i) => pow(10_000, (-2 * i) / C));
  const value = (t: number, c: number) => {
    const angle = Math.fround(t * (rates[c >> 1] as number));
    return c % 2 ? cos(angle) : sin(angle);
  };
  return tensor(
    engine,
    Float32Array.from({ length: T * C }, (_, i) => value(from + Math.floor(i / C), i % C)),
    [T, C],
  );
}
