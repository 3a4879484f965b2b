/** A tower: a stem and the trunk on it, from token ids to states. An encoder has one, an encoder-decoder one for each side; the model declares the modules, under its names. */
import { biasOf } from '../nn/masks.js';
import type { RelativeBias } from '../nn/positions.js';
import type { Kept, Trunk, TrunkCall } from '../nn/trunk.js';
import { contiguous, narrow } from '../ops/shape.js';
import { type Tensor, tensor } from '../tensor.js';
import type { StemCall } from './stem.js';

/** What makes a trunk's states [B, T, C] of what comes in: ids [B, T], or features. */
export interface StemLike {
  forward(inputs: Tensor, call: StemCall): Tensor;
}

/** Inputs of one call of a tower beside ids. */
export interface TowerCall extends Omit<TrunkCall, 'self'> {
  /** Token types, [B, T] int32. Default: all 0. */
  types?: Tensor | undefined;
  /** Padding, in one of two forms: the number of tokens of each row, or a mask [B, T] bool. */
  lengths?: readonly number[] | undefined;
  padding?: Tensor | undefined;
  /** [B][T], the position of each token, where it is not `from` and on. */
  places?: Int32Array | undefined;
}

/** The last `count` tokens of states [B, T, C], all unless it is given. */
export function lastOf(states: Tensor, count = states.dim(1)): Tensor {
  const T = states.dim(1);
  return count >= T ? states : contiguous(narrow(states, 1, T - count, count));
}

export class Tower<S extends StemLike = StemLike> {
  constructor(
    readonly stem: S,
    readonly trunk: Trunk,
    /** Bias that all blocks add to their self-attention scores. */
    readonly relative?: RelativeBias | undefined,
  ) {}

  /** ids [B, T] int32 → states [B, T, C], yielding behind the embeddings and after each block. */
  *steps(ids: Tensor, { types, lengths, padding, places, from = 0, ...call }: TowerCall = {}, kept?: Kept): Generator<void, Tensor> {
    const embedded = () => this.stem.forward(ids, { types, from, places });
    const { x, bias } = ids.engine.scope(() => ({ x: embedded(), bias: this.#bias(ids, places ?? from, padding) }));
    // The embedding of the next token is too little for a step of its own.
    if (!call.caches) yield;
    const states = yield* this.trunk.steps(x, { self: { lengths, bias }, from, ...call }, kept);
    bias?.dispose();
    return states;
  }

  #bias(ids: Tensor, from: number | readonly number[] | Int32Array, keyPaddingMask: Tensor | undefined): Tensor | undefined {
    const [B, T] = ids.shape as [number, number];
    const own =
      from instanceof Int32Array
        ? this.relative?.between(tensor(ids.engine, from, ids.shape))
        : this.relative?.view(T, T + (typeof from === 'number' ? from : Math.max(...from)), from);
    return biasOf({ attnMask: own, keyPaddingMask }, [B, 1, T, T]);
  }
}
