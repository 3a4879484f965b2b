/** Launches that are recorded and replayed: with new inputs they give what they would have given, in memory that nobody else gets meanwhile. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Recording } from '../../dist/engine/recording.js';
import { createEngine, type Engine } from '../../dist/entry/node.js';
import { add, linear, mul, relu, scaledDotProductAttention } from '../../dist/ops/index.js';
import { overwrite, Tensor, tensor } from '../../dist/tensor.js';
import { expectWorks } from './probe.js';

const N = 48;
const numbers = (seed: number, count = N * N) => Float32Array.from({ length: count }, (_, i) => Math.sin(i * 1.7 + seed));

/** Some ops, what of the host's they need made on the way: constants, and the sizes that attention's kernels share. */
function work(x: Tensor, weight: Tensor): Tensor {
  const { engine } = x;
  let h = x;
  for (let l = 0; l < 4; l++)
    h = engine.scope(() => {
      const y = relu(linear(h, weight));
      const heads = add(mul(y, tensor(engine, numbers(l), [N, N])), tensor(engine, numbers(l + 9, N))).view([1, 4, 12, 48]);
      return add(h, scaledDotProductAttention(heads, heads, heads, { lengths: [12 - l] }).view([N, N]));
    });
  return h;
}

describe.each([1, 2])('threads: %i', (threads) => {
  let engine: Engine;
  let weight: Tensor;
  beforeAll(async () => {
    engine = await createEngine({ threads, inlineBelow: 0 });
    weight = tensor(engine, numbers(5), [N, N]);
  });
  afterAll(() => engine.dispose());

  const plain = (seed: number) => engine.scope(() => work(tensor(engine, numbers(seed), [N, N]), weight).toHost().data);

  function recorded() {
    const recording = new Recording(engine.heap);
    const input = new Tensor(engine, recording.allocate(4 * N * N, true), [N, N]);
    overwrite(input, numbers(1));
    const output = engine.scope(() => engine.record(recording, () => work(input, weight)));
    return { recording, input, output };
  }

  it('gives the same bits for each input', () => {
    const { recording, input, output } = recorded();
    expect(output.toHost().data).toEqual(plain(1));
    for (const seed of [2, 3, 1, 4]) {
      overwrite(input, numbers(seed));
      engine.replay(recording);
      expect(output.toHost().data, String(seed)).toEqual(plain(seed));
    }
    recording.dispose();
    output.dispose(); // whose memory is gone
    expectWorks(engine);
  });

  it('holds its memory until it is disposed of, and takes no more in between', () => {
    plain(1);
    const before = engine.memory();
    const { recording, input, output } = recorded();
    const { used, storages } = engine.memory();
    const others = [1, 2, 3].map(() => tensor(engine, numbers(7, 64 * N)));
    for (let i = 0; i < 5; i++) engine.replay(recording);
    expect(output.toHost().data).toEqual(plain(1));
    for (const x of others) {
      expect(x.toHost().data).toEqual(numbers(7, 64 * N));
      x.dispose();
    }
    expect(engine.memory()).toMatchObject({ used, storages });
    input.dispose();
    recording.dispose();
    expect(engine.memory()).toMatchObject({ used: before.used, storages: before.storages });
  });

  it('uses what it frees again, as work that is not recorded does', () => {
    const peak = () => {
      const { used } = engine.memory();
      return engine.rehearse(() => void plain(1)).peak - used;
    };
    const { recording } = recorded();
    const held = recording.allocate(0);
    const before = engine.memory().used;
    recording.dispose();
    // Constants stay, which plain work frees: of each turn N × N and N numbers, and structs.
    expect(before - engine.memory().used).toBeLessThan(peak() + 4 * (4 * N * N + 4 * N + 512));
    held.free();
  });

  it('ends with a body that throws', () => {
    const before = engine.memory();
    const recording = new Recording(engine.heap);
    const body = () =>
      engine.scope(() => {
        add(weight, weight);
        throw new Error('enough');
      });
    expect(() => engine.record(recording, body)).toThrow('enough');
    const y = add(weight, weight);
    expect(recording.launches).toHaveLength(1);
    y.dispose();
    recording.dispose();
    expect(engine.memory()).toMatchObject({ used: before.used, storages: before.storages });
  });
});
