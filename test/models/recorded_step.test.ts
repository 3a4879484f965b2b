/**
 * Steps of decoding that are recorded and replayed have the bits of those that are not: for all kinds of positions, over borders of pages, whatever happens to the rows in between. Steps that
 * are asked for hidden states are never recorded, and stand for those.
 */
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it, type MockInstance, vi } from 'vitest';
import { Engine } from '../../dist/engine/engine.js';
import { createEngine } from '../../dist/entry/node.js';
import type { DecoderChoices } from '../../dist/models/architecture.js';
import { Decoder } from '../../dist/models/decoder.js';
import type { DecoderState } from '../../dist/models/decoder_state.js';
import { loadPretrained } from '../../dist/models/pretrained.js';
import { alibiSlopes } from '../../dist/nn/alibi.js';
import { learned, sinusoidal } from '../../dist/nn/positions.js';
import { RecordedStep } from '../../dist/nn/recorded_step.js';
import { RotaryPositions } from '../../dist/nn/rotary_positions.js';
import { rotaryScalings } from '../../dist/nn/rotary_scalings.js';
import { nodeRuntime } from '../../dist/runtime/node.js';
import { drained } from '../../dist/steps.js';
import { failureOf } from '../io/memory.js';
import { Pair } from './pair.js';

const dims = { C: 32, L: 3, H: 4, G: 2, D: 8, F: 40, V: 50, positions: 400, eps: 1e-5 };
const rotary = (engine: Engine, D: number) => new RotaryPositions(engine, D);
const dynamic = rotaryScalings.dynamic({ factor: 2, maxPositions: 100, originalMaxPositions: 100 });
const growing = (engine: Engine, D: number) => new RotaryPositions(engine, D, { scaling: dynamic, share: 0.5, interleaved: true });
const base = { place: 'pre', activation: 'silu', tied: true } as const;

/** What decoders are like: each kind of positions, and other parts beside them. */
const kinds: Readonly<Record<string, DecoderChoices>> = {
  'rotary positions': { ...base, norm: 'rms', gated: true, bias: false, layer: () => ({ rotary }) },
  'rotary positions of two kinds, and windows': {
    ...{ ...base, place: 'both', queryKeyNorm: true, gated: 'fused' },
    layer: (l) => (l === 1 ? { rotary } : { rotary: growing, window: 20 }),
  },
  'a table of positions': { ...base, positions: learned(2), tied: false },
  sinusoids: { ...base, place: 'post', positions: sinusoidal('halves'), finalNorm: false },
  slopes: { ...base, place: 'parallel', embeddingNorm: true, layer: () => ({ slopes: alibiSlopes(4) }) },
};

let engine: Engine;
let replays: MockInstance<Engine['replay']>;
async function open(threads = 1, deterministic = true): Promise<Engine> {
  engine = await createEngine({ threads, deterministic, inlineBelow: 0 });
  replays = vi.spyOn(engine, 'replay');
  return engine;
}
afterEach(() => engine.dispose());

const pairOf = (model: Decoder) => new Pair(model, model.start(), model.start());

/** A decoder with rotary positions, and two states that have read 7 tokens each. */
async function begun(threads?: number): Promise<{ model: Decoder; pair: Pair }> {
  const model = new Decoder(await open(threads), dims, kinds['rotary positions'] as DecoderChoices).init(1);
  const pair = pairOf(model);
  pair.step(7, 1);
  return { model, pair };
}

/** How many steps were replayed since the last time. */
function replayed(): number {
  const { length } = replays.mock.calls;
  replays.mockClear();
  return length;
}

describe.each(Object.entries(kinds))('%s', (_, choices) => {
  it.each([
    [1, true],
    [2, false],
  ])('over a border of pages, with rows that join and go, threads: %i, deterministic: %s', async (threads, deterministic) => {
    const model = new Decoder(await open(threads, deterministic), dims, choices).init(1);
    const before = engine.memory();
    const pair = pairOf(model);
    pair.step(122, 1);
    pair.steps(10);
    // The first, and the one that needed another page, were recorded.
    expect(replayed()).toBe(8);
    const guest = pairOf(model);
    guest.step(5, 1);
    guest.steps(2);
    expect(replayed()).toBe(1);
    pair.both((state, which) => state.join(guest[which]));
    guest.dispose();
    pair.steps(4);
    pair.both((state) => state.reorder([1, 0]));
    pair.steps(3);
    pair.both((state) => state.reorder([1, 0, 1]));
    pair.steps(3);
    expect(replayed()).toBe(3 + 3 + 2);
    // Rows that share pages part, and stand on one position.
    pair.both((state) => state.reorder([0, 0, 2]));
    pair.steps(2);
    pair.step(3);
    pair.steps(2);
    pair.both((state) => state.reorder([1]));
    pair.steps(3);
    expect(replayed()).toBe(1 + 2 + 2);
    pair.dispose();
    expect(engine.memory().used - before.used).toBeLessThan(1 << 16); // scratch
    model.dispose();
  });
});

it('takes no memory from step to step, and gives it back', async () => {
  const model = new Decoder(await open(), dims, kinds['rotary positions'] as DecoderChoices).init(1);
  const state = model.start();
  const run = () => engine.scope(() => void drained(model.decode(new Int32Array(2), [2, 1], state)));
  const before = engine.memory();
  engine.scope(() => void drained(model.decode(new Int32Array(2 * 129), [2, 129], state)));
  for (let t = 0; t < 3; t++) run();
  const { used, storages } = engine.memory();
  for (let t = 0; t < 90; t++) run();
  expect(engine.memory()).toMatchObject({ used, storages });
  expect(replayed()).toBe(92);
  // As many rows, one token, many tokens: the last recording goes when another is made.
  for (let t = 0; t < 3; t++) {
    state.reorder([0, 1, 0]);
    engine.scope(() => void drained(model.decode(new Int32Array(3), [3, 1], state)));
    state.reorder([0, 1]);
    run();
  }
  expect(engine.memory().storages).toBe(storages);
  state.dispose();
  expect(engine.memory().storages - before.storages).toBe(1); // scratch
});

it('goes on after a step that was given up, recorded or replayed', async () => {
  const { model, pair } = await begun(2);
  const giveUp = () =>
    engine.scope(() => {
      const steps = model.decode(new Int32Array(1), [1, 1], pair.one);
      steps.next();
      steps.return(undefined as never);
    });
  giveUp(); // while it is recorded
  pair.steps(3);
  giveUp(); // behind a replay
  pair.steps(3);
  expect(replayed()).toBe(2 + 1 + 3);
  pair.dispose();
});

it('reads parameters that were changed, rounded or disposed of since', async () => {
  const { model, pair } = await begun();
  pair.steps(3);
  model.to('q8');
  pair.steps(3);
  model.to('float32');
  pair.steps(3);
  expect(replayed()).toBe(6);
  model.loadStateDict(new Decoder(engine, dims, kinds['rotary positions'] as DecoderChoices).init(2).stateDict());
  pair.steps(2);
  expect(replayed()).toBe(2); // their memory is the same
  model.dispose();
  const { code } = await failureOf(() => engine.scope(() => drained(model.decode(new Int32Array(1), [1, 1], pair.one))));
  expect(code).toBe('MODEL_MISMATCH');
  pair.dispose();
});

it('is left alone by training, and by looks', async () => {
  const { model, pair } = await begun();
  model.train();
  pair.steps(3);
  model.eval();
  for (let t = 0; t < 3; t++)
    pair.both((state) => engine.scope(() => void drained(model.decode(new Int32Array(1), [1, 1], state, { attentions: true }))));
  expect(replayed()).toBe(0);
  pair.steps(2);
  expect(replayed()).toBe(1);
  pair.dispose();
});

it('is not recorded where launches depend on what states hold', async () => {
  const model = new Decoder(await open(), dims, kinds.sinusoids as DecoderChoices).init(1);
  const routed = vi.spyOn(RecordedStep.prototype, 'takes');
  const pair = pairOf(model);
  pair.step(7, 1);
  const trunk = routed.mock.calls[0]?.[0] as object;
  Object.defineProperty(trunk, 'isRouted', { value: true });
  pair.steps(3);
  expect(replayed()).toBe(0);
  routed.mockRestore();
  pair.dispose();
});

it('is rehearsed apart', async () => {
  const { model, pair } = await begun();
  pair.steps(3);
  const before = engine.memory();
  const peak = engine.rehearse(() => {
    const state = model.start();
    for (let t = 0; t < 4; t++) engine.scope(() => void drained(model.decode(new Int32Array(1), [1, 1], state)));
    state.dispose();
  });
  expect(peak.peak).toBeGreaterThan(before.used);
  expect(engine.memory()).toEqual(before);
  pair.steps(3);
  pair.dispose();
});

const marian = fileURLToPath(new URL('../fixtures/hf/marian', import.meta.url));
const t5 = fileURLToPath(new URL('../fixtures/hf/t5', import.meta.url));

it.each([
  ['that attends to sources of unequal lengths', marian, 1, 4 + 4 + 3],
  ['that attends to sources of unequal lengths', marian, 2, 4 + 4 + 3],
  ['with relative positions, which is not recorded', t5, 1, 0],
])('a decoder %s (%s, threads: %i)', async (_what, folder, threads, count) => {
  const { module: model } = await loadPretrained(await open(threads), folder, 'encoder-decoder');
  const ids = Int32Array.from({ length: 20 }, (_, i) => (i * 7 + 3) % 20);
  const started = () =>
    engine.scope(() => {
      const lengths = [10, 6];
      const { lastHiddenState } = drained(model.encode({ ids, shape: [2, 10], lengths }));
      return model.start(lastHiddenState, lengths);
    });
  const pair = new Pair(model, started(), started());
  pair.steps(6);
  // As beams do: what a row attends to changes with it.
  for (const rows of [
    [1, 0],
    [1, 1],
    [0, 1],
    [1, 0],
  ]) {
    pair.both((state) => state.reorder(rows));
    pair.step();
  }
  pair.both((state) => state.reorder([0, 1, 1]));
  pair.steps(4);
  expect(replayed()).toBe(count);
  pair.dispose();
  model.dispose();
});

it('gives the event loop its turns where a step is long, and hears an abort in them', async () => {
  let meanwhile = (): void => {};
  const pause = async () => {
    await nodeRuntime.pause();
    meanwhile();
  };
  engine = await Engine.create({ ...nodeRuntime, pause }, { threads: 1, deterministic: true });
  replays = vi.spyOn(engine, 'replay');
  // A step is the work of two turns, of which an eighth of one is computed at once.
  const [rows, large] = [512, { ...dims, C: 256, D: 64, F: 1024, L: 2 }];
  const model = new Decoder(engine, large, kinds['rotary positions'] as DecoderChoices).init(1);
  const [state, other] = [model.start(), model.start()];
  const ids = Int32Array.from({ length: rows }, (_, i) => i % 50);
  const run = (of: DecoderState, hiddenStates = false, signal?: AbortSignal) =>
    engine.run(function* () {
      return (yield* model.decode(ids, [rows, 1], of, { hiddenStates })).logits.toHost().data;
    }, signal);
  for (let t = 0; t < 2; t++) expect(await run(state)).toEqual(await run(other, true));
  let turns = 0;
  const controller = new AbortController();
  const reason = new Error('enough');
  meanwhile = () => {
    if (++turns === 1) controller.abort(reason);
  };
  await expect(run(state, false, controller.signal)).rejects.toBe(reason);
  expect(turns).toBe(1);
  meanwhile = () => {};
  for (let t = 0; t < 2; t++) expect(await run(state)).toEqual(await run(other, true));
  expect(replayed()).toBe(1 + 2);
  for (const one of [state, other, model]) one.dispose();
}, 60_000);
