/**
 * Resampling of grids of vectors, as torch.nn.functional.interpolate does it: each axis is a product with a matrix of weights, so that gradients
 * pass through it as through any product.
 */
import { matmul } from '../ops/matmul.js';
import { cat, narrow, permute, reshape } from '../ops/shape.js';
import { type Tensor, tensor } from '../tensor.js';

/** How much a sample at distance x counts; 0 from `support` on. */
interface Filter {
  support: number;
  weigh(x: number): number;
}

/** Keys' cubic (1981), whose second piece begins with slope a. */
const cubic = (a: number): Filter => ({
  support: 2,
  weigh: (distance) => {
    const x = Math.abs(distance);
    if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? ((x - 5) * x + 8) * x * a - 4 * a : 0;
  },
});
const triangle: Filter = { support: 1, weigh: (x) => Math.max(0, 1 - Math.abs(x)) };

/** Filters by name: torch's cubic is another one where it does not blur. */
const filters = {
  bicubic: { plain: cubic(-0.75), antialias: cubic(-0.5) },
  bilinear: { plain: triangle, antialias: triangle },
} as const;

/** How a grid is resampled. */
export interface Resampling {
  mode: keyof typeof filters;
  /** Whether what becomes smaller is blurred first. Default false. */
  antialias?: boolean;
  /** Whether the outermost samples stay where they are, torch's `align_corners`, rather than the outer edges of samples. Default false. */
  corners?: boolean;
}

/** The weights [to, from] by which `from` samples become `to`. */
export function resamplingWeights(
  from: number,
  to: number,
  { mode, antialias = false, corners = false }: Resampling,
): Float32Array<ArrayBuffer> {
  const weights = new Float32Array(to * from);
  const step = corners ? (from - 1) / Math.max(1, to - 1) : from / to;
  const { support, weigh } = filters[mode][antialias ? 'antialias' : 'plain'];
  const stretch = antialias ? Math.max(1, step) : 1;
  for (let i = 0; i < to; i++) {
    const centre = corners ? step * i : step * (i + 0.5) - 0.5;
    const row = weights.subarray(i * from, (i + 1) * from);
    const first = Math.ceil(centre - support * stretch);
    const last = Math.floor(centre + support * stretch);
    let sum = 0;
    for (let j = first; j <= last; j++) {
      const weight = weigh((j - centre) / stretch);
      // With antialiasing what is outside does not count; without, the outermost sample counts for it.
      if (antialias && (j < 0 || j >= from)) continue;
      const at = Math.min(from - 1, Math.max(0, j));
      row[at] = (row[at] as number) + weight;
      sum += weight;
    }
    if (antialias) for (let j = 0; j < from; j++) row[j] = (row[j] as number) / sum;
  }
  return weights;
}

/** A grid of vectors [h · w, C] as one of another size, [H · W, C]. */
export function resampleGrid(grid: Tensor, [h, w]: readonly [number, number], [H, W]: readonly [number, number], how: Resampling): Tensor {
  if (h === H && w === W) return grid;
  const { engine } = grid;
  const C = grid.dim(1);
  return engine.scope(() => {
    const rows = matmul(tensor(engine, resamplingWeights(h, H, how), [H, h]), reshape(grid, [h, w * C]));
    const columns = permute(reshape(rows, [H, w, C]), [1, 0, 2]);
    const all = matmul(tensor(engine, resamplingWeights(w, W, how), [W, w]), reshape(columns, [w, H * C]));
    return reshape(permute(reshape(all, [W, H, C]), [1, 0, 2]), [H * W, C]);
  });
}

/** Planes [B, h, w, C] at another size, [B, H, W, C]. */
export function resamplePlanes(x: Tensor, size: readonly [number, number], how: Resampling): Tensor {
  const [B, h, w, C] = x.shape as [number, number, number, number];
  const each = Array.from({ length: B }, (_, b) => resampleGrid(reshape(narrow(x, 0, b, 1), [h * w, C]), [h, w], size, how));
  return reshape(B === 1 ? (each[0] as Tensor) : cat(each, 0), [B, ...size, C]);
}
