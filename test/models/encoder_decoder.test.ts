/** Encoder-decoders: equal to PyTorch's, the same bits however tokens come, and a state that is the caller's. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEngine, type Engine, type HostTensor, type Tensor, tensor } from '../../dist/entry/node.js';
import type { DecoderState } from '../../dist/models/decoder_state.js';
import type { EncoderDecoder, Wants } from '../../dist/models/encoder_decoder.js';
import { loadPretrained } from '../../dist/models/pretrained.js';
import { contiguous, narrow } from '../../dist/ops/index.js';
import { failureOf } from '../io/memory.js';
import { numbersOf, readWeights, type Weight } from './files.js';

const names = ['marian', 'bart', 't5', 't5_gated'] as const;
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
