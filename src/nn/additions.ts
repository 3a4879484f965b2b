/** Additions of an adapter to products with a weight, and those products. See low_rank.ts. */
import { activate } from '../ops/activation.js';
import { add } from '../ops/elementwise.js';
import type { Given, TensorLike } from '../ops/given.js';
import { type LinearOptions, linear } from '../ops/matmul.js';
import type { Tensor } from '../tensor.js';
import type { Form } from './formats/format.js';
import type { Parameter } from './parameter.js';

/** Something that is added to a product with a weight, or with some of the matrices that are stacked in it. */
export interface Addition {
  /** The first of those matrices, and how many there are. */
  readonly first: number;
  readonly count: number;
  /** Adds to y [..., N] the addition for x [..., K]; N are the rows of the whole matrix, or of one part. */
  add(x: Tensor, y: Tensor, part: number | undefined): Tensor;
  /** Forms that hold the addition's numbers. */
  forms(): (Form | undefined)[];
}

/**
 * A product as `linear` makes it, with the whole weight or one of its stacked matrices, plus the current additions of adapters. Without additions it is `linear`, and costs no
 * more.
 */
export function product(
  x: TensorLike,
  weight: Parameter,
  biasOf: () => Tensor | undefined,
  options?: Given<LinearOptions>,
  part?: number,
): Tensor {
  const operand = part === undefined ? weight.operand : weight.partOperand(part);
  const bias = biasOf();
  const additions = weight.additions?.filter(({ first, count }) => part === undefined || (part >= first && part < first + count));
  if (!additions?.length) return linear(x, operand, bias, options);
  const { activation, residual } = (options ?? {}) as LinearOptions;
  // Adapters have no biases, activations and residuals: additions come before the weight's own.
  let z = linear(x, operand, bias, activation ? {} : { residual });
  for (const addition of additions) z = addition.add(x as Tensor, z, part);
  if (!activation) return z;
  const active = activate(z, activation);
  return residual ? add(active, residual) : active;
}
