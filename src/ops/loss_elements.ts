/** Losses of numbers, one by one: means over all elements, of logits or predictions and targets of one shape. */
import { record } from '../autograd/tape.js';
import { HeedError } from '../errors.js';
import { Tensor } from '../tensor.js';
import { expectDtype, expectShape } from './check.js';
import { isTracked, op } from './op.js';
import { contiguous } from './shape.js';

const TILE = 1024;

function elementLoss(where: string, kernel: 'binary_cross_entropy' | 'squared_error') {
  return op((x: Tensor, targets: Tensor): Tensor => {
    const { engine } = x;
    expectDtype(where, 'x', x, 'float32');
    expectDtype(where, 'targets', targets, 'float32');
    expectShape(where, 'targets', targets, x.shape);
    if (isTracked(engine, targets))
      throw new HeedError('UNSUPPORTED', `${where}: targets have no gradient`, { culprit: 'targets', cure: 'Do not watch them' });
    const [given, wanted] = [contiguous(x), contiguous(targets)];
    const [n, tiles] = [x.size, Math.ceil(x.size / TILE)];
    const losses = Tensor.empty(engine, [n]);
    engine.launch(`${kernel}_f32`, tiles, n * 24, [losses.ptr, given.ptr, wanted.ptr, n]);
    const y = Tensor.empty(engine, []);
    // In float64 and in order, as all losses are.
    engine.heap.floats(y.ptr, 1)[0] = engine.heap.floats(losses.ptr, n).reduce((sum, loss) => sum + loss, 0) / n;
    record(y, [x], [given, wanted], (dy) => {
      const dx = Tensor.empty(engine, x.shape);
      const factor = (engine.heap.floats(dy.ptr, 1)[0] as number) / n;
      engine.launch(`${kernel}_grad_f32`, tiles, n * 24, [dx.ptr, given.ptr, wanted.ptr, n, factor]);
      return [dx];
    });
    return y;
  });
}

/**
 * The mean of −y ln σ(x) − (1 − y) ln σ(−x): logits x and targets y, mostly 0 or 1, of one shape → []. Each logit is a question of its own: what several labels
 * at once are trained by. Exact for logits of any size. NaN where there are none.
 */
export const binaryCrossEntropyWithLogits = /* @__PURE__ */ elementLoss('binaryCrossEntropyWithLogits', 'binary_cross_entropy');

/** The mean of (x − y)²: predictions x and targets y of one shape → []. NaN where there are none. */
export const mseLoss = /* @__PURE__ */ elementLoss('mseLoss', 'squared_error');
