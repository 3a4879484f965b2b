/** A forward, block by block: whoever drives it may look at an abort in between. Encoders and decoders share it. */
import type { Module } from '../nn/module.js';
import type { Norm } from '../nn/norm.js';
import { contiguous, narrow, reshape } from '../ops/shape.js';
import type { Tensor } from '../tensor.js';

/** The first of T states: [B, T, C] → [B, C]. */
export const firstOf = (x: Tensor): Tensor => reshape(contiguous(narrow(x, 1, 0, 1)), [x.dim(0), x.dim(2)]);

/** Takes x through a stack's layers and its norm, yielding after each layer. States, x the first of them, go to `kept`, or are freed when the next is there. */
export function* through<Layer extends Module>(
  stack: { readonly layers: readonly Layer[]; readonly norm?: Norm | undefined },
  x: Tensor,
  kept: Tensor[] | undefined,
  run: (layer: Layer, x: Tensor, index: number) => Tensor,
): Generator<void, Tensor> {
  let h = x;
  const leave = (next: Tensor, wanted = true) => {
    if (kept && wanted) kept.push(h);
    else h.dispose();
    h = next;
  };
  const last = stack.layers.length - 1;
  for (const [l, layer] of stack.layers.entries()) {
    leave(run(layer, h, l));
    if (l < last) yield;
  }
  // In Hugging Face's order, what the last layer gives counts behind the norm only.
  if (stack.norm) leave(stack.norm.forward(h), false);
  kept?.push(h);
  yield;
  return h;
}
