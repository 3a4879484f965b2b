/** PyTorch's masks, in which a true boolean is ignored, as the single bias that is added to attention scores. */
import { maskToBias } from '../ops/attention.js';
import { expectShape, expectTensor } from '../ops/check.js';
import { add } from '../ops/elementwise.js';
import { contiguous, expand, reshape } from '../ops/shape.js';
import type { Tensor } from '../tensor.js';

/** Masks of one attention. */
export interface Masks {
  /** [T, S], [B·H, T, S], or [B, H, T, S] where axes of 1 are repeated. bool: true is ignored; float32: added to the scores. */
  attnMask?: Tensor | undefined;
  /** [B, S] bool, true is ignored; or float32, added to the scores. */
  keyPaddingMask?: Tensor | undefined;
}

const asBias = (mask: Tensor): Tensor => (mask.dtype === 'bool' ? maskToBias(mask, false) : mask);

/** Bias [B or 1, H or 1, T or 1, S] of both masks. Throws SHAPE for a mask that does not fit. */
export function biasOf({ attnMask, keyPaddingMask }: Masks, [B, H, T, S]: readonly [number, number, number, number]): Tensor | undefined {
  let padding: Tensor | undefined;
  if (keyPaddingMask !== undefined) {
    expectTensor('MultiheadAttention', 'keyPaddingMask', keyPaddingMask);
    expectShape('MultiheadAttention', 'keyPaddingMask', keyPaddingMask, [B, S]);
    padding = reshape(asBias(keyPaddingMask), [B, 1, 1, S]);
  }
  if (attnMask === undefined) return padding;
  expectTensor('MultiheadAttention', 'attnMask', attnMask);
  const { rank } = attnMask;
  if (rank !== 4) expectShape('MultiheadAttention', 'attnMask', attnMask, rank === 2 ? [T, S] : [B * H, T, S]);
  const own = asBias(attnMask);
  // A view, as relative positions are, stays one.
  const mask = rank === 4 ? own : reshape(own, rank === 2 ? [1, 1, T, S] : [B, H, T, S]);
  if (!padding) return mask;
  const whole = (x: Tensor) => contiguous(expand(x, [B, mask.dim(1), T, S]));
  return add(whole(mask), whole(padding));
}
