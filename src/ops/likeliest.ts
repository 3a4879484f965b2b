/** The likeliest class of each pixel, of scores that are fewer than pixels. */
import { likeliest_i32 } from '../engine/kernels.generated.js';
import { Tensor } from '../tensor.js';
import { expectDtype, wrongShape } from './check.js';
import { op } from './op.js';
import { contiguous } from './shape.js';

/** Scores [h, w, C], bilinearly between their places → the class that has most at each of H × W pixels, int32 [H, W], of equal ones the first. It has no gradient. */
export const likeliest = /* @__PURE__ */ op((x: Tensor, [H, W]: readonly [number, number]): Tensor => {
  expectDtype('likeliest', 'x', x, 'float32');
  if (x.rank !== 3 || x.size === 0) throw wrongShape('likeliest', 'x', x.shape, 'it must be [h, w, C]');
  const [h, w, C] = x.shape as [number, number, number];
  const y = Tensor.empty(x.engine, [H, W], 'int32');
  x.engine.launch(likeliest_i32({ tiles: H, work: 12 * H * W * C, y: y.ptr, x: contiguous(x).ptr, H, W, h, w, C }));
  return y;
});
