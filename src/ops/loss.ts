/** Cross entropy, and the sums of an evaluation by it. */
import { record } from '../autograd/tape.js';
import { cross_entropy_f32, cross_entropy_grad_f32 } from '../engine/kernels.generated.js';
import { checkOptions, HeedError } from '../errors.js';
import { Tensor } from '../tensor.js';
import { expectDtype, expectShape, wrongArgument, wrongShape } from './check.js';
import { isTracked, op } from './op.js';
import { contiguous } from './shape.js';

/** Options of crossEntropy. */
export interface CrossEntropyOptions {
  /** Target that does not count. Default −100. */
  ignoreIndex?: number | undefined;
  /** Share of a target that is spread over all classes, 0 to 1 (arXiv 1512.00567, §7). Default 0. */
  labelSmoothing?: number | undefined;
  /** Weight of each class, [V]. Has no gradient. */
  weight?: Tensor | undefined;
}

/** Checks the operands and computes the loss of each row: the beginning of a loss and of an evaluation. `count` is the total weight of the targets that count. */
function rowLosses(
  where: string,
  logits: Tensor,
  targets: Tensor,
  { ignoreIndex = -100, labelSmoothing = 0, weight }: CrossEntropyOptions,
) {
  const { engine } = logits;
  expectDtype(where, 'logits', logits, 'float32');
  expectDtype(where, 'targets', targets, 'int32');
  const V = logits.shape.at(-1);
  if (V === undefined || V === 0) throw wrongShape(where, 'logits', logits.shape, 'it needs a last axis, of classes');
  expectShape(where, 'targets', targets, logits.shape.slice(0, -1));
  if (weight !== undefined) {
    expectDtype(where, 'weight', weight, 'float32');
    expectShape(where, 'weight', weight, [V]);
    if (isTracked(engine, weight))
      throw new HeedError('UNSUPPORTED', `${where}: class weights have no gradient`, { culprit: 'weight', cure: 'Do not watch them' });
  }
  if (!Number.isInteger(ignoreIndex)) throw wrongArgument(where, 'ignoreIndex', ignoreIndex, 'It is a whole number');
  if (!(typeof labelSmoothing === 'number' && labelSmoothing >= 0 && labelSmoothing <= 1))
    throw wrongArgument(where, 'labelSmoothing', labelSmoothing, 'It is a number from 0 to 1');

  const [x, classes, w] = [contiguous(logits), contiguous(targets), weight && contiguous(weight)];
  const T = classes.size;
  const count = weightOf(where, engine.heap.ints(classes.ptr, T), V, ignoreIndex, w && engine.heap.floats(w.ptr, V));
  const [losses, stats] = [Tensor.empty(engine, [T]), Tensor.empty(engine, [T, 2])];
  const operands = { x: x.ptr, stats: stats.ptr, target: classes.ptr, w: w?.ptr ?? 0 };
  const how = { tiles: T, work: x.size * 24, ...operands, V, ignore: ignoreIndex, keep: 1 - labelSmoothing, share: labelSmoothing / V };
  engine.launch(cross_entropy_f32({ ...how, loss: losses.ptr }));
  // Summed in float64 and in order: the loss of a large batch is as exact as that of a row.
  const total = engine.heap.floats(losses.ptr, T).reduce((sum, loss) => sum + loss, 0);
  return { x, classes, w, stats, how, T, V, count, total, losses };
}

/**
 * The mean of −ln softmax(logits)[target] over the targets that count, each by its class's weight: logits [..., V], targets [...] int32 → [].
 * Options combine as PyTorch's do. NaN where no target counts.
 */
export const crossEntropy = op((logits: Tensor, targets: Tensor, options: CrossEntropyOptions = {}): Tensor => {
  checkOptions(options, ['ignoreIndex', 'labelSmoothing', 'weight'], 'crossEntropy');
  const { engine } = logits;
  const { x, classes, w, stats, how, V, count, total } = rowLosses('crossEntropy', logits, targets, options);
  const y = Tensor.empty(engine, []);
  engine.heap.floats(y.ptr, 1)[0] = total / count;

  const all = engine.heap.floats(w?.ptr ?? 0, w ? V : 0).reduce((sum, value) => sum + value, 0);
  record(y, [logits], [x, classes, w, stats], (dy) => {
    const dx = Tensor.empty(engine, logits.shape);
    const factor = (engine.heap.floats(dy.ptr, 1)[0] as number) / count;
    engine.launch(cross_entropy_grad_f32({ ...how, dx: dx.ptr, total: w ? all : V, a: factor }));
    return [dx];
  });
  return y;
});

/** Sums over batches of an evaluation. */
export interface PredictionSums {
  /** Sum of −ln softmax(logits)[target] over the targets that count. */
  loss: number;
  /** The squares of those. */
  squares: number;
  /** How many those are. */
  targets: number;
  /** Number of targets whose logit is the row's largest; of several equal ones the first counts, as in torch.argmax. */
  right: number;
}

/**
 * Computes the sums of an evaluation on the host: logits [..., V], targets [...] int32. The rows' maxima are a by-product of their losses: no logit is read twice.
 */
export const predictionSums = op(
  (
    logits: Tensor,
    targets: Tensor,
    options: {
      /** Target that does not count. Default −100. */
      ignoreIndex?: number | undefined;
    } = {},
  ): PredictionSums => {
    checkOptions(options, ['ignoreIndex'], 'predictionSums');
    const { engine } = logits;
    const { x, classes, stats, T, V, count, total, losses } = rowLosses('predictionSums', logits, targets, options);
    const [ids, maxima] = [engine.heap.ints(classes.ptr, T), engine.heap.floats(stats.ptr, 2 * T)];
    const squares = engine.heap.floats(losses.ptr, T).reduce((sum, loss) => sum + loss * loss, 0);
    let right = 0;
    for (let t = 0; t < T; t++) {
      const target = ids[t] as number;
      if (target === (options.ignoreIndex ?? -100)) continue;
      const row = engine.heap.floats(x.ptr + 4 * t * V, V);
      const largest = maxima[2 * t] as number;
      if (row[target] === largest && row.indexOf(largest) === target) right++;
    }
    return { loss: total, squares, targets: count, right };
  },
);

/** Total weight of the targets that count. Throws ARGUMENT for a target that is no class. */
function weightOf(where: string, targets: Int32Array, V: number, ignoreIndex: number, weights: Float32Array | undefined): number {
  let total = 0;
  for (const target of targets) {
    if (target === ignoreIndex) continue;
    if (target < 0 || target >= V)
      throw new HeedError('ARGUMENT', `${where}: targets holds ${target}, and there are ${V} classes`, {
        culprit: 'targets',
        cure: `They run from 0 to ${V - 1}, or are ignoreIndex, ${ignoreIndex}`,
      });
    total += weights ? (weights[target] as number) : 1;
  }
  return total;
}
