/** Losses of single numbers are PyTorch's (test/fixtures/train/losses.json), also where a logit is so sure that only a difference of float64 would show it. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEngine, type Engine, tensor } from '../../dist/entry/node.js';
import { backward, binaryCrossEntropyWithLogits, mseLoss, Tape, type Tensor } from '../../dist/ops/index.js';

interface Fixture {
  logits: number[];
  cases: { name: keyof typeof ops; target: number; loss: number[]; gradient: number[] }[];
}
const ops = { binary_cross_entropy_with_logits: binaryCrossEntropyWithLogits, mse_loss: mseLoss };
const { logits, cases }: Fixture = JSON.parse(readFileSync(new URL('../fixtures/train/losses.json', import.meta.url), 'utf8'));

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ threads: 2, inlineBelow: 0 });
});
afterAll(() => engine.dispose());

/** Within a few roundings of float32, and of PyTorch's float64, which takes the difference of the logit and a logarithm near to it. */
const near = (found: number, expected: number) => Math.abs(found - expected) <= 1e-6 * Math.abs(expected) + 4e-15;

function lossAndGradient(op: (x: Tensor, y: Tensor) => Tensor, x: number[], y: number[]) {
  return engine.scope(() => {
    const given = tensor(engine, Float32Array.from(x), [x.length]);
    const tape = new Tape(engine);
    let gradient: Float32Array | undefined;
    tape.watch(given, (dx) => {
      gradient = dx.toHost().data as Float32Array;
    });
    const loss = tape.record(() => op(given, tensor(engine, Float32Array.from(y), [y.length])));
    const value = loss.toHost().data[0] as number;
    backward(tape, loss);
    return { loss: value, gradient: Array.from(gradient ?? []) };
  });
}

describe.each(cases)('$name of $target', ({ name, target, loss, gradient }) => {
  it.each(logits.map((x, i) => [x, i] as const))('and %d', (x, i) => {
    const found = lossAndGradient(ops[name], [x], [target]);
    expect(near(found.loss, loss[i] as number), `loss ${found.loss}, not ${loss[i]}`).toBe(true);
    expect(near(found.gradient[0] as number, gradient[i] as number), `gradient ${found.gradient}, not ${gradient[i]}`).toBe(true);
  });
});

it('keep their digits where a logit is sure, and right', () => {
  for (const x of [-1, -16, -17, -30, -60, -87]) {
    const exact = { loss: Math.log1p(Math.exp(x)), gradient: 1 / (1 + Math.exp(-x)) };
    for (const [sign, target] of [
      [1, 0],
      [-1, 1],
    ] as const) {
      const { loss, gradient } = lossAndGradient(binaryCrossEntropyWithLogits, [sign * x], [target]);
      expect(Math.abs(loss / exact.loss - 1), `loss of ${x}`).toBeLessThan(1e-6);
      expect(Math.abs((sign * (gradient[0] as number)) / exact.gradient - 1), `gradient of ${x}`).toBeLessThan(1e-6);
    }
  }
});

it('of nothing is NaN, as in PyTorch, and so is what holds one', () => {
  for (const op of Object.values(ops)) {
    expect(lossAndGradient(op, [], []).loss).toBeNaN();
    expect(lossAndGradient(op, [1, Number.NaN, 2], [0, 1, 1]).loss).toBeNaN();
    expect(lossAndGradient(op, [1, 2, 2], [0, Number.NaN, 1]).loss).toBeNaN();
    expect(lossAndGradient(op, [1, Number.NaN], [0, 1]).gradient[1]).toBeNaN();
  }
});

it('refuses targets of another shape or kind, and to give them a gradient', () => {
  const x = tensor(engine, [[1, 2]]);
  for (const op of Object.values(ops)) {
    expect(() => op(x, tensor(engine, [1, 2]))).toThrow(expect.objectContaining({ code: 'SHAPE', culprit: 'targets' }));
    expect(() => op(x, tensor(engine, Int32Array.of(1, 2), [1, 2]))).toThrow(
      expect.objectContaining({ code: 'DTYPE', culprit: 'targets' }),
    );
    const tape = new Tape(engine);
    tape.watch(x, () => {});
    expect(() => tape.record(() => op(tensor(engine, [[1, 2]]), x))).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED', culprit: 'targets' }),
    );
    tape.dispose();
  }
});
