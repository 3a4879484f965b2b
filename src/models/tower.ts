/** A stem and the trunk on it: token ids to states. An encoder is one, and each side of an encoder-decoder; the model declares the modules, by its names. */
import { biasOf } from '../nn/masks.js';
import type { RelativeBias } from '../nn/positions.js';
import type { Kept, Trunk, TrunkCall } from '../nn/trunk.js';
import { contiguous, narrow } from '../ops/shape.js';
import { type Tensor, tensor } from '../tensor.js';
import type { Stem } from './stem.js';

/** What one call of a tower is given beside ids. */
export interface TowerCall extends Omit<TrunkCall, 'self'> {
  /** [B, T] int32. Default: all 0. */
  types?: Tensor | undefined;
  /** Tokens of each row that are not padding, or where it is: [B, T] bool. */
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

export class Tower {
  constructor(
    readonly stem: Stem,
    readonly trunk: Trunk,
    /** What all blocks add to the scores of their attention to what comes in. */
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
