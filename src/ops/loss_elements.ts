/** Losses per element: means over all elements, of logits or predictions and targets of one shape. */
import { record } from '../autograd/tape.js';
import * as kernels from '../engine/kernels.generated.js';
import { TILE } from '../engine/kernels.generated.js';
import { HeedError } from '../errors.js';
import { Tensor } from '../tensor.js';
import { expectDtype, expectShape } from './check.js';
import { isTracked, op } from './op.js';
import { contiguous } from './shape.js';

/** The two kernels of a loss, forward and backward; all losses' kernels have the same parameters. */
type Kernels = readonly [typeof kernels.squared_error_f32, typeof kernels.squared_error_grad_f32];

function elementLoss(where: string, [forward, backward]: Kernels) {
  return op((x: Tensor, targets: Tensor): Tensor => {
    const { engine } = x;
    expectDtype(where, 'x', x, 'float32');
    expectDtype(where, 'targets', targets, 'float32');
    expectShape(where, 'targets', targets, x.shape);
    if (isTracked(engine, targets))
      throw new HeedError('UNSUPPORTED', `${where}: targets have no gradient`, { culprit: 'targets', cure: 'Do not watch them' });
    const [given, wanted] = [contiguous(x), contiguous(targets)];
    const n = x.size;
    const operands = { tiles: Math.ceil(n / TILE), work: n * 24, x: given.ptr, y: wanted.ptr, n };
    const losses = Tensor.empty(engine, [n]);
    engine.launch(forward({ ...operands, loss: losses.ptr }));
    const y = Tensor.empty(engine, []);
    // Summed in float64 and in order, as in all losses.
    engine.heap.floats(y.ptr, 1)[0] = engine.heap.floats(losses.ptr, n).reduce((sum, loss) => sum + loss, 0) / n;
    record(y, [x], [given, wanted], (dy) => {
      const dx = Tensor.empty(engine, x.shape);
      const factor = (engine.heap.floats(dy.ptr, 1)[0] as number) / n;
      engine.launch(backward({ ...operands, dx: dx.ptr, a: factor }));
      return [dx];
    });
    return y;
  });
}

/**
 * The mean of −y ln σ(x) − (1 − y) ln σ(−x): logits x and targets y, mostly 0 or 1, of one shape → []. Each logit is an independent question, as in multi-label
 * classification. Exact for logits of any size. NaN where there are none.
 */
export const binaryCrossEntropyWithLogits = /* @__PURE__ */ elementLoss('binaryCrossEntropyWithLogits', [
  kernels.binary_cross_entropy_f32,
  kernels.binary_cross_entropy_grad_f32,
]);

/** The mean of (x − y)²: predictions x and targets y of one shape → []. NaN where there are none. */
export const mseLoss = /* @__PURE__ */ elementLoss('mseLoss', [kernels.squared_error_f32, kernels.squared_error_grad_f32]);
