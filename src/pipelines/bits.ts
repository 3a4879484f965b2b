/** Vectors of bits, 1 where a number is above 0: compact embeddings for large collections, in sentence-transformers' layout (that of numpy.packbits). */
import { HeedError, kindOf } from '../errors.js';
import { HostTensor } from '../tensor.js';

export const precisions = ['binary', 'ubinary'] as const;
/** Range of bytes of bits: 'binary' from -128, an Int8Array; 'ubinary' from 0, a Uint8Array. */
export type Precision = (typeof precisions)[number];

/** Numbers, or bits. */
export type Features = HostTensor | HostTensor<Int8Array>;

/** Conversion of vectors [..., C]: to bits, or unchanged. Throws ARGUMENT for invalid options. */
export function packing(quantize: boolean, precision: Precision | undefined, C: number): (data: Float32Array, dims: number[]) => Features {
  const wrong = (message: string, culprit: string, cure: string) =>
    new HeedError('ARGUMENT', `feature-extraction: ${message}`, { culprit, cure });
  if (precision !== undefined && !precisions.includes(precision))
    throw wrong(`precision is ${kindOf(precision)}`, 'precision', `Use ${precisions.join(', ')}`);
  if (precision !== undefined && !quantize) throw wrong('precision would have no effect', 'precision', 'Set quantize to true');
  if (!quantize) return (data, dims) => new HostTensor('float32', data, dims);
  if (C % 8 !== 0) throw wrong(`vectors of ${C} numbers do not fill bytes`, 'quantize', 'They must be a multiple of 8 long');
  return (data, dims) => {
    const bytes = new Uint8Array(data.length / 8);
    for (const [i, x] of data.entries()) if (x > 0) bytes[i >> 3] = (bytes[i >> 3] as number) | (128 >> (i & 7));
    const packed = [...dims.slice(0, -1), C / 8];
    if (precision === 'ubinary') return new HostTensor('uint8', bytes, packed);
    return new HostTensor(
      'int8',
      Int8Array.from(bytes, (byte) => byte - 128),
      packed,
    );
  };
}
