/** Convolutions over planes against sums of float64, whole and in bands of lines. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEngine, type Engine } from '../../dist/entry/node.js';
import { Conv2d, ConvTranspose2d, DepthwiseConv2d, FrozenBatchNorm } from '../../dist/nn/convolution2d.js';
import { resampleGrid } from '../../dist/nn/resampling.js';
import { maxPool2d } from '../../dist/ops/convolution2d.js';
import { mul, sum, valueAndGrad } from '../../dist/ops/index.js';
import { likeliest } from '../../dist/ops/likeliest.js';
import { Random } from '../../dist/random.js';
import { tensor } from '../../dist/tensor.js';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ threads: 1, deterministic: true });
});
afterAll(() => engine.dispose());

const numbers = (count: number, step: number) => Float32Array.from({ length: count }, (_, i) => Math.sin((i + 1) * step));
const filled = <M extends Conv2d | ConvTranspose2d | DepthwiseConv2d>(module: M): M => {
  for (const [name, parameter] of module.namedParameters()) parameter.init(new Random(3, name));
  return module;
};

describe('a convolution over planes', () => {
  it.each([
    { B: 1, H: 5, W: 4, C: 3, N: 2, K: 1 },
    { B: 2, H: 5, W: 7, C: 3, N: 4, K: 3, padding: 1 },
    { B: 2, H: 6, W: 3, C: 2, N: 5, K: 3, stride: 2, padding: 1 },
    { B: 1, H: 9, W: 11, C: 1, N: 3, K: 4, stride: 3, padding: 2 },
    { B: 2, H: 7, W: 8, C: 9, N: 3, K: 3, padding: 2, dilation: 2 },
    { B: 1, H: 12, W: 9, C: 5, N: 2, K: 7, stride: 4, padding: 3 },
    { B: 1, H: 7, W: 9, C: 6, N: 4, K: 1, stride: 2 },
    // Windows of all lines are more than are laid out at once.
    { B: 2, H: 151, W: 150, C: 16, N: 2, K: 3, padding: 1 },
    { B: 1, H: 401, W: 399, C: 12, N: 2, K: 3, stride: 2, padding: 1 },
  ])('sums what its windows show: %j', ({ B, H, W, C, N, K, stride = 1, padding = 0, dilation = 1 }) => {
    const data = numbers(B * H * W * C, 0.37);
    const module = filled(new Conv2d(engine, C, N, K, { stride, padding, dilation }));
    const [weight, bias] = [module.weight.tensor.toHost().data, module.bias?.tensor.toHost().data as Float32Array];
    const { data: got, dims } = module.forward(tensor(engine, data, [B, H, W, C])).toHost();
    const [S, R] = [H, W].map((side) => Math.floor((side + 2 * padding - dilation * (K - 1) - 1) / stride) + 1) as [number, number];
    expect(dims).toEqual([B, S, R, N]);
    const count = B * S * R * N;
    // Every one of a small plane, and a share of a large one's that meets all lines.
    for (let at = 0; at < count; at += count > 5000 ? 97 : 1) {
      const [n, r, s, b] = [at % N, Math.floor(at / N) % R, Math.floor(at / (N * R)) % S, Math.floor(at / (N * R * S))];
      let sum = bias[n] as number;
      for (let c = 0; c < C; c++)
        for (let i = 0; i < K; i++)
          for (let j = 0; j < K; j++) {
            const [y, x] = [s * stride + i * dilation - padding, r * stride + j * dilation - padding];
            if (y < 0 || y >= H || x < 0 || x >= W) continue;
            sum += (data[((b * H + y) * W + x) * C + c] as number) * (weight[((n * C + c) * K + i) * K + j] as number);
          }
      expect(Math.abs((got[at] as number) - sum), `${at}`).toBeLessThan(1e-5);
    }
    module.dispose();
  });

  it('refuses planes that are smaller than its window', () => {
    const module = filled(new Conv2d(engine, 1, 1, 3));
    expect(() => module.forward(tensor(engine, numbers(8, 1), [1, 2, 4, 1]))).toThrowError(expect.objectContaining({ code: 'SHAPE' }));
    module.dispose();
  });
});

describe('a convolution of each channel for itself', () => {
  it.each([
    { B: 2, H: 5, W: 6, C: 7, K: 3, padding: 1 },
    { B: 1, H: 9, W: 4, C: 8, K: 3, stride: 2, padding: 1 },
    { B: 1, H: 3, W: 3, C: 5, K: 5, padding: 4 },
  ])('sums what its windows show: %j', ({ B, H, W, C, K, stride = 1, padding }) => {
    const data = numbers(B * H * W * C, 0.23);
    const module = filled(new DepthwiseConv2d(engine, C, K, { stride, padding }));
    const [weight, bias] = [module.weight.tensor.toHost().data, module.bias.tensor.toHost().data];
    const { data: got, dims } = module.forward(tensor(engine, data, [B, H, W, C])).toHost();
    const [S, R] = [H, W].map((side) => Math.floor((side + 2 * padding - K) / stride) + 1) as [number, number];
    expect(dims).toEqual([B, S, R, C]);
    for (let at = 0; at < got.length; at++) {
      const [c, r, s, b] = [at % C, Math.floor(at / C) % R, Math.floor(at / (C * R)) % S, Math.floor(at / (C * R * S))];
      let sum = bias[c] as number;
      for (let i = 0; i < K; i++)
        for (let j = 0; j < K; j++) {
          const [y, x] = [s * stride + i - padding, r * stride + j - padding];
          if (y < 0 || y >= H || x < 0 || x >= W) continue;
          sum += (data[((b * H + y) * W + x) * C + c] as number) * (weight[(c * K + i) * K + j] as number);
        }
      expect(got[at]).toBeCloseTo(sum, 5);
    }
    module.dispose();
  });

  it('has no gradient where windows stand apart, and says so', () => {
    const module = filled(new DepthwiseConv2d(engine, 2, 3, { stride: 2 })).train();
    const x = tensor(engine, numbers(50, 1), [1, 5, 5, 2]);
    expect(() => valueAndGrad(engine, () => sum(module.forward(x)))).toThrowError(expect.objectContaining({ code: 'UNSUPPORTED' }));
    module.dispose();
  });
});

describe('gradients', () => {
  it.each([
    ['of a convolution', () => new Conv2d(engine, 3, 4, 3, { stride: 2, padding: 1 })],
    ['of one whose taps stand apart', () => new Conv2d(engine, 3, 2, 3, { padding: 1, dilation: 2 })],
    ['of one of each channel for itself', () => new DepthwiseConv2d(engine, 3, 3, { padding: 1 })],
    ['of one whose windows reach far beyond the edges', () => new DepthwiseConv2d(engine, 3, 3, { padding: 2 })],
    ['through a batch norm', () => new FrozenBatchNorm(engine, 3).init(0)],
  ])('%s are differences of its values', (_, make) => {
    const module = filled(make() as Conv2d).train();
    // A convolution in front, whose gradient comes from that of what it gives.
    const front = filled(new Conv2d(engine, 2, 3, 1)).train();
    const x = tensor(engine, numbers(2 * 5 * 6 * 2, 0.7), [2, 5, 6, 2]);
    const value = () => {
      const y = module.forward(front.forward(x));
      return sum(mul(y, tensor(engine, numbers(y.size, 0.3), y.shape)));
    };
    valueAndGrad(engine, value);
    for (const [, parameter] of [...module.namedParameters(), ...front.namedParameters()]) {
      if (!parameter.requiresGrad) continue;
      const gradient = parameter.grad?.toHost().data as Float32Array;
      const floats = engine.heap.floats(parameter.value.ptr, gradient.length);
      for (let i = 0; i < gradient.length; i++) {
        const before = floats[i] as number;
        const at = (step: number) => {
          floats[i] = before + step;
          return engine.scope(() => value().toHost().data[0] as number);
        };
        const difference = (at(0.05) - at(-0.05)) / 0.1;
        floats[i] = before;
        expect(gradient[i] as number, `${parameter.name} ${i}`).toBeCloseTo(difference, 2);
      }
    }
    for (const made of [module, front]) made.dispose();
  });
});

it.each([
  { H: 6, W: 5, C: 6, K: 3, stride: 2, padding: 1 },
  { H: 4, W: 4, C: 3, K: 2, stride: 2, padding: 0 },
])('the largest number of each window: %j', ({ H, W, C, K, stride, padding }) => {
  const data = numbers(H * W * C, 0.41).map((x) => x - 2);
  const { data: got, dims } = maxPool2d(tensor(engine, data, [1, H, W, C]), K, { stride, padding }).toHost();
  const [S, R] = [H, W].map((side) => Math.floor((side + 2 * padding - K) / stride) + 1) as [number, number];
  expect(dims).toEqual([1, S, R, C]);
  for (let at = 0; at < got.length; at++) {
    const [c, r, s] = [at % C, Math.floor(at / C) % R, Math.floor(at / (C * R))];
    const seen: number[] = [];
    for (let y = s * stride - padding; y < s * stride - padding + K; y++)
      for (let x = r * stride - padding; x < r * stride - padding + K; x++)
        if (y >= 0 && y < H && x >= 0 && x < W) seen.push(data[(y * W + x) * C + c] as number);
    expect(got[at]).toBe(Math.max(...seen));
  }
});

it('a batch norm is one factor and one summand of each channel', () => {
  const [T, C] = [5, 7];
  const norm = new FrozenBatchNorm(engine, C);
  for (const [i, [, parameter]] of [...norm.namedParameters()].entries())
    parameter.write(0, new Uint8Array(numbers(C, 0.3 * (i + 1)).map((x) => x + 1.5).buffer));
  const [weight, bias, mean, variance] = [...norm.namedParameters()].map(([, parameter]) => parameter.toHost().data) as Float32Array[];
  const [x, more] = [numbers(T * C, 0.9), numbers(T * C, 0.2)];
  for (const residual of [undefined, tensor(engine, more, [T, C])])
    for (const relu of [false, true]) {
      const { data } = norm.forward(tensor(engine, x, [T, C]), { residual, relu }).toHost();
      for (let i = 0; i < data.length; i++) {
        const c = i % C;
        const normed = ((x[i] as number) - (mean?.[c] as number)) / Math.sqrt((variance?.[c] as number) + 1e-5);
        const whole = normed * (weight?.[c] as number) + (bias?.[c] as number) + (residual ? (more[i] as number) : 0);
        expect(data[i]).toBeCloseTo(relu ? Math.max(0, whole) : whole, 5);
      }
    }
  norm.dispose();
});

it('the likeliest class of each pixel is that of torch, between places', () => {
  const [h, w, C, H, W] = [3, 4, 6, 7, 5];
  const scores = numbers(h * w * C, 1.7);
  const { data, dims } = likeliest(tensor(engine, scores, [h, w, C]), [H, W]).toHost();
  expect(dims).toEqual([H, W]);
  const grid = resampleGrid(tensor(engine, scores, [h * w, C]), [h, w], [H, W], { mode: 'bilinear' }).toHost().data as Float32Array;
  const want = Array.from({ length: H * W }, (_, i) => {
    const row = Array.from(grid.subarray(i * C, (i + 1) * C));
    return row.indexOf(Math.max(...row));
  });
  expect([...data]).toEqual(want);
  // Of equal ones the first, whatever lane it is in.
  expect([...likeliest(tensor(engine, Float32Array.of(0, 3, 1, 2, 3, 3), [1, 1, 6]), [1, 1]).toHost().data]).toEqual([1]);
  expect([...likeliest(tensor(engine, Float32Array.of(0, 1, 1, 3, 3, 0), [1, 1, 6]), [1, 1]).toHost().data]).toEqual([3]);
});

it('a transposed convolution makes a square of each place', () => {
  const [B, H, W, C, N, K] = [2, 3, 4, 5, 3, 2];
  const data = numbers(B * H * W * C, 0.61);
  const module = filled(new ConvTranspose2d(engine, C, N, K));
  const [weight, bias] = [module.weight.tensor.toHost().data, module.bias.tensor.toHost().data];
  const { data: got, dims } = module.forward(tensor(engine, data, [B, H, W, C])).toHost();
  expect(dims).toEqual([B, H * K, W * K, N]);
  for (let at = 0; at < got.length; at++) {
    const [n, x, y] = [at % N, Math.floor(at / N) % (W * K), Math.floor(at / (N * W * K)) % (H * K)];
    const b = Math.floor(at / (N * W * K * H * K));
    let sum = bias[n] as number;
    for (let c = 0; c < C; c++) {
      const from = ((b * H + Math.floor(y / K)) * W + Math.floor(x / K)) * C + c;
      sum += (data[from] as number) * (weight[((c * N + n) * K + (y % K)) * K + (x % K)] as number);
    }
    expect(got[at]).toBeCloseTo(sum, 5);
  }
  module.dispose();
});

it('planes are resized with their corners upon corners', () => {
  const grid = tensor(engine, Float32Array.of(0, 1, 2, 10, 11, 12), [6, 1]);
  const { data } = resampleGrid(grid, [2, 3], [3, 5], { mode: 'bilinear', corners: true }).toHost();
  expect([...data]).toEqual([0, 0.5, 1, 1.5, 2, 5, 5.5, 6, 6.5, 7, 10, 10.5, 11, 11.5, 12]);
});
