/** q8 checkpoints, made by the format's definition and without heed. */
import { quantized } from '../cases/quantize.js';
import { type Config, numbersOf, type Weight, type Weights } from './files.js';

export const quantization_config = { quant_method: 'heed', bits: 8, group_size: 32 };

/** The matrices and tables of a BERT that are 8-bit: the two rows of types are not. */
export const isQuantized = (name: string, { shape }: Weight): boolean => shape.length === 2 && !/token_type/.test(name);

/** Scales are float16 already. */
function bitsOf(scale: number): number {
  const e = scale < 2 ** -14 ? 0 : Math.floor(Math.log2(scale)) + 15;
  return (e << 10) | (e === 0 ? scale * 2 ** 24 : (scale / 2 ** (e - 15) - 1) * 1024);
}

/** A q8 checkpoint, by the format's definition. Order: what a writer makes of it, or shuffled by `order`. */
export function quantizedWeights(weights: Weights, order = (names: string[]) => names): Weights {
  const made: Weights = {};
  for (const [name, weight] of Object.entries(weights)) {
    if (!isQuantized(name, weight)) {
      made[name] = weight;
      continue;
    }
    const [N, K] = weight.shape as [number, number];
    const { q, scale } = quantized(numbersOf(weight), N, K);
    made[name] = { dtype: 'I8', shape: [N, K], bytes: new Uint8Array(q.buffer) };
    const bits = Uint16Array.from(scale, bitsOf);
    made[`${name}.scale`] = { dtype: 'F16', shape: [N, Math.ceil(K / 32)], bytes: new Uint8Array(bits.buffer) };
  }
  return Object.fromEntries(order(Object.keys(made)).map((name) => [name, made[name] as Weight]));
}

/** A BERT's config and weights in 8 bits. */
export const quantizedModel = (config: Config, weights: Weights): { config: Config; weights: Weights } => ({
  config: { ...config, quantization_config },
  weights: quantizedWeights(weights),
});
