/** The sums of an evaluation, against the words of their definition. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createEngine, type Engine, tensor } from '../../dist/entry/node.js';
import { crossEntropy, predictionSums } from '../../dist/ops/index.js';
import { Random } from '../../dist/train/index.js';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ threads: 2, inlineBelow: 0 });
});
afterAll(() => engine.dispose());

it('of predictions are those of the mean loss, and of arg maxes', () => {
  const random = new Random(1);
  for (const [B, T, V] of [
    [1, 1, 1],
    [3, 5, 7],
    [2, 33, 130],
  ] as const) {
    const rows = Array.from({ length: B * T }, () => Array.from({ length: V }, () => Math.fround(random.normal())));
    const labels = Int32Array.from({ length: B * T }, (_, i) => (i % 4 === 3 ? -100 : random.below(V)));
    engine.scope(() => {
      const [logits, targets] = [tensor(engine, Float32Array.from(rows.flat()), [B, T, V]), tensor(engine, labels, [B, T])];
      const { loss, targets: count, right } = predictionSums(logits, targets);
      const counted = rows.filter((_, i) => labels[i] !== -100);
      expect(count).toBe(counted.length);
      expect(right).toBe(rows.filter((row, i) => row.indexOf(Math.max(...row)) === labels[i]).length);
      expect(loss / count).toBeCloseTo(crossEntropy(logits, targets).toHost().data[0] as number, 5);
    });
  }
});

it('count the first of equal logits, as torch.argmax does, and no label that is ignored', () => {
  const logits = tensor(engine, [
    [1, 3, 3],
    [1, 3, 3],
    [3, 3, 3],
    [0, 0, 9],
  ]);
  expect(predictionSums(logits, tensor(engine, Int32Array.of(1, 2, 0, 2)), { ignoreIndex: 2 })).toMatchObject({ targets: 2, right: 2 });
  expect(predictionSums(logits, tensor(engine, Int32Array.of(1, 2, 0, 2)))).toMatchObject({ targets: 4, right: 3 });
  expect(predictionSums(logits, tensor(engine, Int32Array.of(-1, -1, -1, -1)), { ignoreIndex: -1 })).toEqual({
    loss: 0,
    squares: 0,
    targets: 0,
    right: 0,
  });
});

it('are refused for a label that is no class', () => {
  expect(() => predictionSums(tensor(engine, [[1, 2]]), tensor(engine, Int32Array.of(2)))).toThrow('predictionSums: targets holds 2');
});
