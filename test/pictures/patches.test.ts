/** What patches are attended to: a layer's heads, all layers together, and what is refused. */
import { describe, expect, it } from 'vitest';
import { attentionOverPatches } from '../../dist/pictures/index.js';
import { HostTensor } from '../../dist/tensor.js';

/** Weights of H heads between T tokens, whose rows add up to 1. */
function layer(H: number, T: number, seed: number): HostTensor {
  const data = Float32Array.from({ length: H * T * T }, (_, i) => 1 + Math.sin(seed + i * 1.7));
  for (let row = 0; row < H * T; row++) {
    const values = data.subarray(row * T, (row + 1) * T);
    const sum = values.reduce((a, b) => a + b, 0);
    values.forEach((value, i) => {
      values[i] = value / sum;
    });
  }
  return new HostTensor('float32', data, [1, H, T, T]);
}

const attentions = [layer(2, 8, 1), layer(2, 8, 2), layer(2, 8, 3)];
const of = (own: object = {}) => attentionOverPatches({ attentions, grid: [2, 3], first: 2, ...own });

/** An average over heads, with half of each token itself. */
const mixed = ({ data, dims: [, H = 1, T = 1] }: HostTensor) =>
  Array.from({ length: T }, (_, q) =>
    Array.from({ length: T }, (_, k) => {
      let sum = 0;
      for (let h = 0; h < H; h++) sum += (data[(h * T + q) * T + k] as number) / H;
      return sum / 2 + (q === k ? 0.5 : 0);
    }),
  );
const times = (a: number[][], b: number[][]) =>
  a.map((row) => row.map((_, k) => row.reduce((sum, x, j) => sum + x * ((b[j] as number[])[k] as number), 0)));

describe('attention over patches', () => {
  it('is the row of the class token, of each head of the layer that is asked for', () => {
    const { data, dims } = of({ layer: 1 });
    expect(dims).toEqual([2, 2, 3]);
    expect(Array.from(data)).toEqual([0, 1].flatMap((h) => Array.from((attentions[1] as HostTensor).data.slice(h * 64 + 2, h * 64 + 8))));
    expect(of()).toEqual(of({ layer: 2 }));
    expect(of({ layer: -3 })).toEqual(of({ layer: 0 }));
  });

  it('is the mean of all rows where there is no class token', () => {
    const { data } = of({ first: 0, grid: [2, 4] });
    const weights = (attentions[2] as HostTensor).data;
    for (let k = 0; k < 8; k++) {
      let mean = 0;
      for (let q = 0; q < 8; q++) mean += (weights[q * 8 + k] as number) / 8;
      expect(data[k]).toBeCloseTo(mean, 6);
    }
  });

  it('is rolled out over all layers', () => {
    const [a, b, c] = attentions.map(mixed) as [number[][], number[][], number[][]];
    const all = times(c, times(b, a));
    const { data, dims } = of({ rollout: true });
    expect(dims).toEqual([1, 2, 3]);
    for (let k = 0; k < 6; k++) expect(data[k]).toBeCloseTo((all[0] as number[])[k + 2] as number, 6);
    const mean = of({ rollout: true, first: 0, grid: [2, 4] });
    for (let k = 0; k < 8; k++)
      expect(mean.data[k]).toBeCloseTo(
        all.reduce((sum, row) => sum + (row[k] as number) / 8, 0),
        6,
      );
    expect(Array.from(mean.data, Number).reduce((sum, x) => sum + x, 0)).toBeCloseTo(1, 5);
  });

  it('refuses what is none', () => {
    const cases: [object, string, string][] = [
      [{ attentions: [] }, 'ARGUMENT', 'attentions'],
      [{ attentions: 7 }, 'ARGUMENT', 'attentions'],
      [{ attentions: [attentions[0], layer(2, 7, 1)] }, 'SHAPE', 'attentions'],
      [{ attentions: [new HostTensor('float32', new Float32Array(4), [2, 2])] }, 'SHAPE', 'attentions'],
      [{ attentions: [new HostTensor('float32', new Float32Array(128).fill(Number.NaN), [2, 8, 8])] }, 'NUMERIC', 'attentions'],
      [{ layer: 3 }, 'ARGUMENT', 'layer'],
      [{ layer: 0.5 }, 'ARGUMENT', 'layer'],
      [{ rollout: 1 }, 'ARGUMENT', 'rollout'],
      [{ grid: [3, 3] }, 'SHAPE', 'grid'],
      [{ grid: undefined }, 'SHAPE', 'grid'],
      [{ grid: [0, 3] }, 'SHAPE', 'grid'],
      [{ first: -1 }, 'SHAPE', 'grid'],
      [{ rolout: true }, 'UNSUPPORTED', 'rolout'],
    ];
    for (const [own, code, culprit] of cases) expect(() => of(own), culprit).toThrow(expect.objectContaining({ code, culprit }));
  });
});
