/** Encoder-decoders: equal to PyTorch's, the same bits however tokens come, and a state that is the caller's. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEngine, type Engine, type HostTensor, type EngineTensor as Tensor, tensor } from '../../dist/entry/node.js';
import type { DecoderState } from '../../dist/models/decoder_state.js';
import type { EncoderDecoder, Wants } from '../../dist/models/encoder_decoder.js';
import { loadPretrained } from '../../dist/models/pretrained.js';
import { contiguous, narrow } from '../../dist/ops/index.js';
import { failureOf } from '../io/memory.js';
import { numbersOf, readWeights, type Weight } from './files.js';

const names = ['marian', 'bart', 'mbart', 'm2m_100', 'pegasus', 't5', 't5_gated'] as const;
type Name = (typeof names)[number];

const folderOf = (name: Name) => fileURLToPath(new URL(`../fixtures/hf/${name}`, import.meta.url));
const expectedOf = (name: Name) => readWeights(readFileSync(join(folderOf(name), 'expected.safetensors')));
const load = async (engine: Engine, name: Name) => (await loadPretrained(engine, folderOf(name), 'encoder-decoder')).module;

const ints = (weight: Weight | undefined) => new Int32Array((weight as Weight).bytes.slice().buffer);

/** The ids of a fixture: sources [2, 10], the second of which has 6 tokens, and targets [2, 7]. */
function inputsOf(name: Name) {
  const { input_ids, attention_mask, decoder_input_ids } = expectedOf(name);
  const mask = ints(attention_mask);
  const lengths = [0, 1].map((b) => mask.subarray(b * 10, b * 10 + 10).reduce((n, m) => n + m, 0));
  return { source: ints(input_ids), target: ints(decoder_input_ids), lengths };
}
const [B, S, T] = [2, 10, 7];

/** Runs a generator to its end. */
function drain<Y>(steps: Generator<void, Y>): Y {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value as Y;
  }
}

/** The columns `from` … of ids [rows, T]. */
const columns = (ids: Int32Array, from: number, count: number, width = T) =>
  Int32Array.from({ length: (ids.length / width) * count }, (_, i) => ids[Math.floor(i / count) * width + from + (i % count)] as number);

function encode(model: EncoderDecoder, { source, lengths }: ReturnType<typeof inputsOf>, wants: Wants = {}) {
  return drain(model.encode({ ids: source, shape: [source.length / S, S], lengths }, wants));
}

const decode = (model: EncoderDecoder, ids: Int32Array, state: DecoderState, wants: Wants = {}) =>
  drain(model.decode(ids, [state.rows, ids.length / state.rows], state, wants));

function expectNear(got: HostTensor, want: Weight | undefined, what: string, tolerance = 1e-4): void {
  expect(got.dims, what).toEqual(want?.shape);
  const numbers = numbersOf(want as Weight);
  const apart = Array.from(got.data).reduce((most, x, i) => Math.max(most, Math.abs(x - (numbers[i] as number))), 0);
  expect(apart, what).toBeLessThan(tolerance);
}

describe.each(names)('the fixture %s', (name) => {
  it.each([
    [1, true],
    [2, true],
    [2, false],
  ])('equals PyTorch: logits, states, all attentions (threads %i, deterministic %s)', async (threads, deterministic) => {
    const engine = await createEngine({ threads, deterministic, inlineBelow: 0 });
    const model = await load(engine, name);
    const [expected, inputs] = [expectedOf(name), inputsOf(name)];
    const run = () => {
      const wants = { hiddenStates: true, attentions: true };
      const encoded = encode(model, inputs, wants);
      const near = (x: Tensor | undefined, key: string) => expectNear((x as Tensor).toHost(), expected[key], key);
      near(encoded.lastHiddenState, 'encoder');
      near(encoded.hiddenStates.at(-1), 'encoder');
      expect([encoded.hiddenStates.length, encoded.attentions.length]).toEqual([3, 2]);
      encoded.attentions.forEach((weights, l) => void near(weights, `enc_attn.${l}`));
      const state = model.start(encoded.lastHiddenState, inputs.lengths);
      const out = decode(model, inputs.target, state, wants);
      near(out.logits, 'logits');
      expect([out.hiddenStates.length, out.attentions.length, out.crossAttentions.length]).toEqual([3, 2, 2]);
      out.attentions.forEach((weights, l) => void near(weights, `dec_attn.${l}`));
      out.crossAttentions.forEach((weights, l) => void near(weights, `cross_attn.${l}`));
      state.dispose();
      const ids = [tensor(engine, inputs.source, [B, S]), tensor(engine, inputs.target, [B, T])] as const;
      near(model.forward(...ids, inputs.lengths), 'logits');
    };
    engine.scope(run); // the engine keeps a scratch
    const before = engine.memory();
    engine.scope(run);
    expect(engine.memory()).toMatchObject({ used: before.used, storages: before.storages });
    await engine.dispose();
  });
});

/** A row's source, and its tokens so far. */
interface Row {
  b: number;
  ids: number[];
}

describe.each(names)('decoding with %s', (name) => {
  let engine: Engine;
  let model: EncoderDecoder;
  const inputs = inputsOf(name);
  beforeAll(async () => {
    engine = await createEngine({ threads: 2, deterministic: true, inlineBelow: 0 });
    model = await load(engine, name);
  });
  afterAll(() => engine.dispose());

  /** Numbers of a tensor's part along its axis of tokens, or of all of it. */
  const numbers = (x: Tensor, from = 0, count = x.dim(1)) => Array.from(contiguous(narrow(x, 1, from, count)).toHost().data);
  const started = (of = inputs) => model.start(encode(model, of).lastHiddenState, of.lengths);
  const only = (b: number) => ({
    source: inputs.source.slice(b * S, b * S + S),
    target: inputs.target.slice(b * T, b * T + T),
    lengths: [inputs.lengths[b] as number],
  });

  it('gives the same bits in one call, in pieces, token by token, and by teacher forcing', () => {
    engine.scope(() => {
      const all = started();
      const want = numbers(decode(model, inputs.target, all).logits);
      const ids = [tensor(engine, inputs.source, [B, S]), tensor(engine, inputs.target, [B, T])] as const;
      expect(numbers(model.forward(...ids, inputs.lengths))).toEqual(want);
      for (const pieces of [
        [1, 1, 1, 1, 1, 1, 1],
        [3, 4],
        [5, 1, 1],
      ]) {
        const state = started();
        const rows: number[][] = [[], []];
        for (const count of pieces) {
          const { logits } = decode(model, columns(inputs.target, state.length, count), state);
          const flat = numbers(logits);
          for (const [b, row] of rows.entries()) row.push(...flat.slice((b * flat.length) / B, ((b + 1) * flat.length) / B));
        }
        expect(state.length).toBe(T);
        expect(rows.flat()).toEqual(want);
        state.dispose();
      }
      all.dispose();
    });
  });

  it('gives a row the same bits alone, without the padding that it has in a batch', () => {
    engine.scope(() => {
      const state = started();
      const want = numbers(decode(model, inputs.target, state).logits).slice(T * 97);
      const length = inputs.lengths[1] as number;
      const source = inputs.source.slice(S, S + length);
      const alone = model.start(drain(model.encode({ ids: source, shape: [1, length] })).lastHiddenState);
      expect(numbers(decode(model, inputs.target.slice(T), alone).logits)).toEqual(want);
      for (const each of [state, alone]) each.dispose();
    });
  });

  it('goes on from reordered rows as each would alone: doubled, dropped, exchanged', () => {
    engine.scope(() => {
      const state = started();
      const histories = [0, 1].map((b) => ({ b, ids: Array.from(only(b).target.slice(0, 2)) }));
      decode(model, columns(inputs.target, 0, 2), state);
      let rows = histories;
      for (const order of [[0, 0, 1, 1, 1], [4, 0, 1, 1, 2, 3], [5, 5], [1, 0], [0], [0, 0, 0, 0, 0, 0, 0]]) {
        state.reorder(order);
        rows = order.map((from, i) => ({
          b: (rows[from] as Row).b,
          ids: [...(rows[from] as Row).ids, 3 + ((i * 5 + order.length) % 90)],
        }));
        expect(state.rows).toBe(order.length);
        const got = numbers(
          decode(
            model,
            Int32Array.from(rows, ({ ids }) => ids.at(-1) as number),
            state,
          ).logits,
        );
        for (const [i, { b, ids }] of rows.entries()) {
          const alone = started(only(b));
          const want = numbers(decode(model, Int32Array.from(ids), alone).logits, ids.length - 1, 1);
          expect(got.slice(i * 97, i * 97 + 97), `row ${i} of ${order}`).toEqual(want);
          alone.dispose();
        }
      }
      state.dispose();
    });
  });

  it('goes on from rows that joined later, of sources of other lengths, as each would alone', () => {
    engine.scope(() => {
      const parts = [0, 1].map((b) => ({ ...only(b), source: inputs.source.slice(b * S, b * S + (inputs.lengths[b] as number)) }));
      const start = ({ source, lengths }: (typeof parts)[number]) =>
        model.start(drain(model.encode({ ids: source, shape: [1, source.length] })).lastHiddenState, lengths);
      const alone = parts.map((part) => {
        const state = start(part);
        const { logits } = decode(model, part.target, state);
        state.dispose();
        return numbers(logits);
      });
      const [state, other] = parts.map(start) as [DecoderState, DecoderState];
      const [one, two] = parts.map(({ target }) => Array.from(target)) as [number[], number[]];
      decode(model, Int32Array.from(one.slice(0, 3)), state);
      decode(model, Int32Array.from(two.slice(0, 1)), other);
      state.join(other);
      other.dispose();
      for (let t = 0; t < 4; t++) {
        const got = numbers(decode(model, Int32Array.from([one[3 + t], two[1 + t]] as number[]), state).logits);
        expect(got.slice(0, 97)).toEqual(alone[0]?.slice((3 + t) * 97, (4 + t) * 97));
        expect(got.slice(97)).toEqual(alone[1]?.slice((1 + t) * 97, (2 + t) * 97));
      }
      expect(state.lengths).toEqual([7, 5]);
      state.dispose();
    });
  });

  it('computes what rows of one source share once: reordering takes no memory but its table', () => {
    engine.scope(() => {
      const state = started(only(0));
      const before = engine.memory();
      state.reorder(Array(16).fill(0));
      expect(engine.memory()).toMatchObject({ used: before.used, storages: before.storages });
      state.dispose();
    });
  });

  it('forgets a step that was given up on its way', () => {
    engine.scope(() => {
      const [state, other] = [started(), started()];
      for (const each of [state, other]) decode(model, columns(inputs.target, 0, 2), each);
      const given = model.decode(columns(inputs.target, 3, 3), [B, 3], state);
      given.next();
      given.next();
      given.return(undefined as never);
      expect(state.length).toBe(2);
      const next = columns(inputs.target, 2, 1);
      expect(numbers(decode(model, next, state).logits)).toEqual(numbers(decode(model, next, other).logits));
      for (const each of [state, other]) each.dispose();
    });
  });

  it('owns its memory: a state outlives the scope that it was made in, and disposing of it leaves nothing', () => {
    const run = () => {
      const state = engine.scope(() => ({ made: started() })).made;
      for (let t = 0; t < 40; t++) engine.scope(() => void decode(model, Int32Array.from([5, 6]), state));
      expect(state.length).toBe(40);
      state.reorder([1, 0, 1]);
      engine.scope(() => void decode(model, Int32Array.from([5, 6, 7]), state));
      state.dispose();
    };
    run();
    const before = engine.memory();
    run();
    expect(engine.memory()).toMatchObject({ used: before.used, storages: before.storages });
  });

  it('says what is wrong with ids, rows and an order', async () => {
    const state = engine.scope(() => ({ made: started() })).made;
    const failure = (run: () => unknown) => failureOf(async () => engine.scope(() => void run()));
    expect(await failure(() => decode(model, Int32Array.from([5, 97]), state))).toMatchObject({ code: 'ARGUMENT' });
    expect(await failure(() => drain(model.decode(Int32Array.from([5]), [1, 1], state)))).toMatchObject({ code: 'SHAPE', culprit: 'ids' });
    expect(await failure(() => drain(model.decode(new Int32Array(0), [2, 0], state)))).toMatchObject({ code: 'ARGUMENT' });
    expect(await failure(() => drain(model.encode({ ids: new Int32Array(0), shape: [1, 0] })))).toMatchObject({ code: 'ARGUMENT' });
    for (const order of [[2], [-1], [0.5], ['0'], 'no'])
      expect(await failure(() => state.reorder(order as number[]))).toMatchObject({ code: 'ARGUMENT', culprit: 'rows' });
    if (!name.startsWith('t5'))
      expect(await failure(() => decode(model, new Int32Array(2 * 65).fill(5), state))).toMatchObject({ code: 'ARGUMENT', shape: [2, 65] });
    const next = () => numbers(decode(model, Int32Array.from([5, 6]), state).logits);
    expect(engine.scope(next).every(Number.isFinite)).toBe(true);
    state.dispose();
    const again = () => drain(model.decode(Int32Array.from([5, 6]), [2, 1], state));
    expect(await failure(again)).toMatchObject({ code: 'ARGUMENT', culprit: 'state' });
    expect(await failure(() => state.reorder([0]))).toMatchObject({ code: 'ARGUMENT', culprit: 'state' });
  });
});
