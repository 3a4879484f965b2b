/** Weights in half precision, and the same weights widened again: both must give the same model. */
import { numbersOf, type Weight, type Weights, weightOf } from './files.js';

export type Half = 'F16' | 'BF16';

/** The bits of a float32. */
const bitsOf = (x: number): number => new Uint32Array(Float32Array.of(x).buffer)[0] as number;
const floatOf = (bits: number): number => new Float32Array(Uint32Array.of(bits).buffer)[0] as number;

/** Rounded to a multiple of the type's last place, ties to even: its 16 bits, and its value. */
function round(x: number, dtype: Half): [bits: number, value: number] {
  if (dtype === 'BF16') {
    const bits = bitsOf(x);
    const top = (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
    return [top, floatOf(top << 16)];
  }
  // Up to 65504; below 2^-14 the last place stays 2^-24.
  const exponent = Math.max(-14, Math.floor(Math.log2(Math.abs(x) || 1e-9)));
  const place = 2 ** (exponent - 10);
  const steps = x / place;
  const nearest = Math.round(steps) - (Math.abs(steps % 1) === 0.5 && Math.round(steps) % 2 !== 0 ? 1 : 0);
  const value = nearest * place;
  const magnitude = Math.abs(value);
  const e = magnitude < 2 ** -14 ? 0 : Math.floor(Math.log2(magnitude)) + 15;
  const fraction = e === 0 ? magnitude * 2 ** 24 : (magnitude / 2 ** (e - 15) - 1) * 1024;
  return [(value < 0 ? 0x8000 : 0) | (e << 10) | fraction, value];
}

function each(weight: Weight, dtype: Half): { half: Weight; wide: Weight } {
  const rounded = Array.from(numbersOf(weight), (x) => round(x, dtype));
  const bytes = new Uint8Array(Uint16Array.from(rounded, ([bits]) => bits).buffer);
  return {
    half: { dtype, shape: weight.shape, bytes },
    wide: weightOf(
      Float32Array.from(rounded, ([, value]) => value),
      weight.shape,
    ),
  };
}

export function narrowed(weights: Weights, dtype: Half): { halves: Weights; widened: Weights } {
  const pairs = Object.entries(weights).map(([name, weight]) => [name, each(weight, dtype)] as const);
  return {
    halves: Object.fromEntries(pairs.map(([name, { half }]) => [name, half])),
    widened: Object.fromEntries(pairs.map(([name, { wide }]) => [name, wide])),
  };
}
