/** Losses. */
import { record } from '../autograd/tape.js';
import { checkOptions, HeedError } from '../errors.js';
import { Tensor } from '../tensor.js';
import { expectDtype, expectShape, wrongArgument, wrongShape } from './check.js';
import { isTracked, op } from './op.js';
import { contiguous } from './shape.js';

export interface CrossEntropyOptions {
  /** A target that does not count. Default −100. */
  ignoreIndex?: number | undefined;
  /** How much of a target is shared by all classes, 0 to 1 (arXiv 1512.00567, §7). Default 0. */
  labelSmoothing?: number | undefined;
  /** [V]: what each class counts for. Has no gradient. */
  weight?: Tensor | undefined;
}

/**
 * The mean of −ln softmax(logits)[target] over the targets that count, each by its class's weight: logits [..., V], targets [...] int32 → [].
 * Options combine as PyTorch's do. NaN where no target counts.
 */
export const crossEntropy = op((logits: Tensor, targets: Tensor, options: CrossEntropyOptions = {}): Tensor => {
  checkOptions(options, ['ignoreIndex', 'labelSmoothing', 'weight'], 'crossEntropy');
  const { ignoreIndex = -100, labelSmoothing = 0, weight } = options;
  const { engine } = logits;
  expectDtype('crossEntropy', 'logits', logits, 'float32');
  expectDtype('crossEntropy', 'targets', targets, 'int32');
  const V = logits.shape.at(-1);
  if (V === undefined || V === 0) throw wrongShape('crossEntropy', 'logits', logits.shape, 'it needs a last axis, of classes');
  expectShape('crossEntropy', 'targets', targets, logits.shape.slice(0, -1));
  if (weight !== undefined) {
    expectDtype('crossEntropy', 'weight', weight, 'float32');
    expectShape('crossEntropy', 'weight', weight, [V]);
    if (isTracked(engine, weight))
      throw new HeedError('UNSUPPORTED', 'crossEntropy: class weights have no gradient', { culprit: 'weight', cure: 'Do not watch them' });
  }
  if (!Number.isInteger(ignoreIndex)) throw wrongArgument('crossEntropy', 'ignoreIndex', ignoreIndex, 'It is a whole number');
  if (!(typeof labelSmoothing === 'number' && labelSmoothing >= 0 && labelSmoothing <= 1))
    throw wrongArgument('crossEntropy', 'labelSmoothing', labelSmoothing, 'It is a number from 0 to 1');

  const [x, classes, w] = [contiguous(logits), contiguous(targets), weight && contiguous(weight)];
  const T = classes.size;
  const weights = w && engine.heap.floats(w.ptr, V);
  const count = weightOf(engine.heap.ints(classes.ptr, T), V, ignoreIndex, weights);
  const [losses, stats, y] = [Tensor.empty(engine, [T]), Tensor.empty(engine, [T, 2]), Tensor.empty(engine, [])];
  const how = [classes.ptr, w?.ptr ?? 0, V, ignoreIndex, 1 - labelSmoothing, labelSmoothing / V];
  engine.launch('cross_entropy_f32', T, x.size * 24, [losses.ptr, stats.ptr, x.ptr, ...how]);
  // In float64 and in order: the loss of a large batch is as exact as that of a row.
  const total = engine.heap.floats(losses.ptr, T).reduce((sum, loss) => sum + loss, 0);
  engine.heap.floats(y.ptr, 1)[0] = total / count;

  const all = engine.heap.floats(w?.ptr ?? 0, w ? V : 0).reduce((sum, value) => sum + value, 0);
  record(y, [logits], [x, classes, w, stats], (dy) => {
    const dx = Tensor.empty(engine, logits.shape);
    const factor = (engine.heap.floats(dy.ptr, 1)[0] as number) / count;
    engine.launch('cross_entropy_grad_f32', T, x.size * 24, [dx.ptr, x.ptr, stats.ptr, ...how, w ? all : V, factor]);
    return [dx];
  });
  return y;
});

/** What all targets that count weigh together. Throws ARGUMENT for one that is no class. */
function weightOf(targets: Int32Array, V: number, ignoreIndex: number, weights: Float32Array | undefined): number {
  let total = 0;
  for (const target of targets) {
    if (target === ignoreIndex) continue;
    if (target < 0 || target >= V)
      throw new HeedError('ARGUMENT', `crossEntropy: targets holds ${target}, and there are ${V} classes`, {
        culprit: 'targets',
        cure: `They run from 0 to ${V - 1}, or are ignoreIndex, ${ignoreIndex}`,
      });
    total += weights ? (weights[target] as number) : 1;
  }
  return total;
}
