/**
 * What a case is: one op, the shapes it is checked and timed at, inputs for a shape, the op itself and the same mathematics
 * in float64. Oracle tests, gradient checks and benchmarks all walk the same list of cases (index.ts), each reading what it needs;
 * nothing here knows a test framework.
 */
import type { Engine } from 'heed';
import type { PackedMatrix, QuantizedMatrix, Tensor } from 'heed/ops';
import type { Random } from './random.js';

/** Numbers with a shape, in JavaScript. The element type says what the tensor's is: Int32Array int32, Uint8Array bool. */
export interface Numbers {
  readonly data: Float32Array | Int32Array | Uint8Array;
  readonly dims: readonly number[];
}

/** A weight [N, K], which the engine holds in panels. */
export interface PackedNumbers extends Numbers {
  readonly packed: true;
}

/** A weight [N, K], which the engine holds in 8 bits. */
export interface QuantizedNumbers extends Numbers {
  readonly quantized: true;
}

/** Inputs by name; those that a shape does without are left out. */
export type Inputs<I> = { readonly [K in keyof I]: Numbers };

/** The same inputs on an engine. */
export type Tensors<I> = {
  readonly [K in keyof I]: Exclude<I[K], undefined> extends PackedNumbers
    ? PackedMatrix
    : Exclude<I[K], undefined> extends QuantizedNumbers
      ? QuantizedMatrix
      : Tensor;
};

/** Inputs as an oracle reads them: float64 does as well as float32, so that finite differences can be taken. */
export type Values<I> = { readonly [K in keyof I]: { readonly data: ArrayLike<number>; readonly dims: readonly number[] } };

export interface OpCase<Shape extends object = object, I extends Inputs<I> = Record<string, Numbers>> {
  readonly name: string;
  /** Sizes by the letters of the kernels' headers, and options. Checked at every one of these. */
  readonly shapes: readonly Shape[];
  /** Timed at these. */
  readonly bench: readonly Shape[];
  inputs(shape: Shape, random: Random): I;
  run(engine: Engine, tensors: Tensors<I>, shape: Shape): Tensor;
  oracle(values: Values<I>, shape: Shape): Float64Array;
  /** Inputs that gradients flow to. */
  readonly gradients?: readonly (keyof I & string)[];
  /** Largest error allowed, as a share of the largest element; 0 for ops that only move numbers. */
  readonly tolerance: number;
  /** Float operations of one run. */
  flops(shape: Shape): number;
}
