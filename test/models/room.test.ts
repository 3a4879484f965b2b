/** Texts that are longer than memory holds are refused before any of them is computed, with figures. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../dist/engine/engine.js';
import { createEngine } from '../../dist/entry/node.js';
import { Encoder } from '../../dist/models/encoder.js';
import { withRoom } from '../../dist/models/room.js';
import { RelativeBias } from '../../dist/nn/positions.js';
import { scale } from '../../dist/ops/index.js';
import { tensor } from '../../dist/tensor.js';
import { failureOf } from '../io/memory.js';

const dims = { C: 32, L: 1, H: 2, F: 64, V: 100, positions: 1 << 24, types: 0, eps: 1e-5 };
let engine: Engine;
let encoder: Encoder;
let launches = 0;
beforeAll(async () => {
  engine = await createEngine({ threads: 1, deterministic: true, memory: { maximum: 32 << 20 } });
  const relative = (on: Engine, H: number) => new RelativeBias(on, H);
  encoder = new Encoder(engine, dims, { place: 'post', activation: 'relu', positions: 'none', pooler: false, relative });
  encoder.init(1);
  const { launch } = engine;
  engine.launch = (...args: Parameters<typeof launch>) => {
    launches++;
    launch.apply(engine, args);
  };
});
afterAll(() => engine.dispose());

const inputs = (T: number) => ({ ids: new Int32Array(T), shape: [1, T] as const, lengths: [T] });
const run = (T: number) =>
  engine.run(function* () {
    const { lastHiddenState } = yield* withRoom(engine, [1, T], () => encoder.steps(inputs(T)));
    return lastHiddenState.toHost().data.length;
  });

describe('a row', () => {
  it('that has room is run, though as many scores would not have any', async () => {
    // 20,000 x 20,000 float32 numbers for each of two heads are 3 GiB.
    expect(await run(20_000)).toBe(20_000 * 32);
  });

  it.each([
    [200_000, /A row of 200000 tokens takes \d\.\d+ GiB beside .* the engine may have 0\.031 GiB.*fewer tokens.*maximum/],
    [12_000_000, /A row of 12000000 tokens takes .*GiB.*the engine may have 0\.031 GiB/],
  ])('of %d tokens has none: that is said before anything is computed', async (T, message) => {
    const before = engine.memory();
    const turns = launches;
    const failure = await failureOf(() => run(T));
    expect(failure).toMatchObject({ code: 'MEMORY', culprit: 'input_ids', shape: [1, T], message: expect.stringMatching(message) });
    expect(engine.memory()).toEqual(before);
    expect(launches - turns).toBeLessThan(100); // of the rehearsal, which runs no kernel
    expect(await run(10)).toBe(320);
  });
});

it('is looked at within a look, too: not a kernel runs in either', () => {
  const ones = () => tensor(engine, new Float32Array(1000).fill(1), [1000]);
  // What is free is not zero, so that a kernel would show.
  ones().dispose();
  const before = engine.heap.bytes.slice();
  engine.rehearse(() => {
    engine.rehearse(() => {});
    scale(ones(), 7);
  });
  expect(Buffer.compare(engine.heap.bytes, before)).toBe(0);
});
