/** Sums over axes: the gradient of broadcasting. */
import { STRIP, sum_f32 } from '../engine/kernels.generated.js';
import { type Shape, sizeOf, Tensor } from '../tensor.js';

/** y[a, i] = Σ_r x[a, r, i] / divisor, of a contiguous x. */
export function sumMiddle(x: Tensor, A: number, R: number, I: number, divisor = 1): Tensor {
  const y = Tensor.empty(x.engine, [A, I]);
  x.engine.launch(sum_f32({ tiles: A * Math.ceil(I / STRIP), work: A * R * I, y: y.ptr, x: x.ptr, R, I, d: divisor }));
  return y;
}

/** Sums a contiguous x over the axes along which `expand` from `shape` repeated it; returns `x` itself where there are none. */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  const front = x.rank - shape.length;
  const repeated = x.shape.map((d, axis) => axis < front || shape[axis - front] !== d);
  if (!repeated.includes(true)) return x;
  return x.engine.scope(() => {
    let y = x;
    // Neighbouring axes are summed together, the last ones first.
    for (let end = x.rank; end > 0; end--) {
      if (!repeated[end - 1]) continue;
      let begin = end - 1;
      while (begin > 0 && repeated[begin - 1]) begin--;
      const kept = sizeOf(x.shape.filter((_, axis) => axis >= end && !repeated[axis]));
      y = sumMiddle(y, sizeOf(x.shape.slice(0, begin)), sizeOf(x.shape.slice(begin, end)), kept);
      end = begin + 1;
    }
    return y.view(shape);
  });
}
