/** Rules for the formats of parameters, and the errors of refused ones. */

import { BLOCK } from '../engine/kernels.generated.js';
import { HeedError, kindOf } from '../errors.js';
import type { Shape } from '../tensor.js';
import type { Format } from './formats/format.js';
import { Packed } from './formats/packed.js';
import { Q4 } from './formats/q4.js';
import { Quantized } from './formats/q8.js';
import { Rows } from './formats/rows.js';
import type { Init } from './init.js';

/** Format and initial values of a parameter. */
export interface ParameterOptions {
  /** Read by matmul: [N, K] in panels. Otherwise row-major. */
  packed?: boolean;
  /** Stacked matrices, each of which can be used alone: the number of matrices of equal height (in_proj_weight is 3), or the rows of each. */
  parts?: number | readonly number[];
  /** `true` where the parameter may be held in 8 or 4 bits. Default: the value of `packed`. Norms, biases and positions may not. */
  quantizable?: boolean;
  /** The fewest bits that it is held in where a whole model is asked for 4. Default: 4 where it is packed, 8 for tables. */
  leastBits?: 4 | 8;
  /** `true` where products add the additions of adapters. Default false. */
  adapts?: boolean;
  /** Initial values where nothing is loaded. Default zeros. */
  init?: Init;
}

/** Dtypes that weights can be converted to: float32, or int8 with a float16 for every 32 neighbours in a row; or 4 bits with two. */
export type ParameterDtype = 'float32' | 'q8' | 'q4';

/** Formats of dtypes that do not depend on the parameter. */
const formats: Readonly<Record<ParameterDtype, Format | undefined>> = { float32: undefined, q8: Quantized, q4: Q4 };

/** Throws UNSUPPORTED for a dtype that is none. */
export function formatOf(dtype: ParameterDtype): Format | undefined {
  if (Object.hasOwn(formats, dtype)) return formats[dtype];
  throw new HeedError('UNSUPPORTED', `A parameter has no dtype ${kindOf(dtype)}`, {
    culprit: 'dtype',
    cure: "Use 'float32', 'q8' or 'q4'",
  });
}

/** Format of the values: the chosen one, or float32: panels where products read panels, rows in training. */
export const formatIn = (packs: boolean, training: boolean, chosen: Format | undefined): Format =>
  chosen ?? (packs && !training ? Packed : Rows);

/** Rows of each of the matrices that are stacked. */
export const heightsOf = (shape: Shape, parts: number | readonly number[]): readonly number[] =>
  typeof parts === 'number' ? Array.from({ length: parts }, () => (shape[0] as number) / parts) : parts;

interface Named {
  readonly name: string;
  readonly shape: Shape;
}

export const empty = ({ name, shape }: Named): HeedError =>
  new HeedError('MODEL_MISMATCH', `${name} has no values yet`, { culprit: name, shape, cure: 'Call loadStateDict or init first' });

export const untrainable = ({ name, shape }: Named, { dtype }: Format): HeedError =>
  new HeedError('UNSUPPORTED', `${name} is held in ${dtype.slice(1)} bits, which do not train`, {
    culprit: name,
    shape,
    cure: "Load it with { dtype: 'fp32' }, or call to('float32') before",
  });

export function unholdable(
  { name, shape, quantizable }: Named & { readonly quantizable: boolean },
  { dtype }: Format,
  training: boolean,
): HeedError {
  const why = training
    ? 'it trains: call eval() first'
    : quantizable
      ? `its rows are no whole blocks of ${BLOCK}`
      : 'it is no matrix of a product, and no table';
  return new HeedError('UNSUPPORTED', `${name} cannot be held in ${dtype.slice(1)} bits: ${why}`, { culprit: name, shape });
}

export const unrounded = ({ name, dtype }: { readonly name: string; readonly dtype: string }): HeedError =>
  new HeedError('ARGUMENT', `${name} is ${dtype}`, { culprit: name, cure: "Call to('q8') first" });
