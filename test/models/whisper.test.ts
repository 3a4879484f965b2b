/** Whisper's stacks, with random weights: equal to transformers', in all formats, saved and read again. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  AutoModelForSpeechSeq2Seq,
  createEngine,
  type Engine,
  type HostTensor,
  type EngineTensor as Tensor,
  tensor,
} from '../../dist/entry/node.js';
import type { EncoderDecoder } from '../../dist/models/encoder_decoder.js';
import { loadPretrained } from '../../dist/models/pretrained.js';
import { drained } from '../../dist/steps.js';
import { numbersOf, readWeights, type Weight } from './files.js';
import { expectKnown, expectSaved } from './speech.js';

const folder = fileURLToPath(new URL('../fixtures/speech/whisper', import.meta.url));
const expected = readWeights(readFileSync(join(folder, 'expected.safetensors')));
const numbers = (name: string) => Float32Array.from(numbersOf(expected[name] as Weight));
const ids = new Int32Array((expected.decoder_input_ids as Weight).bytes.slice().buffer);
const features = { features: numbers('input_features'), shape: [2, 16, 60] as const };

const load = async (engine: Engine, dtype?: 'q8' | 'q4') =>
  (await loadPretrained(engine, folder, 'speech encoder-decoder', { dtype })).module;

function apart(got: HostTensor, name: string): number {
  expect(got.dims, name).toEqual(expected[name]?.shape);
  const want = numbers(name);
  return Array.from(got.data).reduce((most, x, i) => Math.max(most, Math.abs(x - (want[i] as number))), 0);
}

function answers(model: EncoderDecoder): Map<string, Tensor> {
  const wants = { hiddenStates: true, attentions: true };
  const found = new Map<string, Tensor>();
  const encoded = drained(model.encode(features, wants));
  found.set('encoder', encoded.lastHiddenState);
  const state = model.start(encoded.lastHiddenState);
  const out = drained(model.decode(ids, [2, 7], state, wants));
  found.set('logits', out.logits);
  const lists = { enc_hidden: encoded.hiddenStates, dec_hidden: out.hiddenStates, enc_attn: encoded.attentions };
  for (const [name, list] of Object.entries({ ...lists, dec_attn: out.attentions, cross_attn: out.crossAttentions }))
    list.forEach((x, l) => void found.set(`${name}.${l}`, x));
  state.dispose();
  return found;
}

describe('a tiny Whisper', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine({ threads: 2, deterministic: true, inlineBelow: 0 });
  });
  afterAll(() => engine.dispose());

  it("equals transformers': logits, hidden states, all attentions, and leaves no memory behind", async () => {
    const model = await load(engine);
    const run = () =>
      engine.scope(() => {
        const found = answers(model);
        for (const [name, x] of found) expect(apart(x.toHost(), name), name).toBeLessThan(1e-4);
        expect(found.size).toBe(2 + 3 + 3 + 2 + 2 + 2);
        const source = tensor(engine, features.features, features.shape);
        expect(apart(model.forward(source, tensor(engine, ids, [2, 7])).toHost(), 'logits')).toBeLessThan(1e-4);
      });
    run();
    const before = engine.memory();
    run();
    expect(engine.memory()).toMatchObject({ used: before.used, storages: before.storages });
    model.dispose();
  });

  it('answers users as transformers answers its own', async () => {
    const model = await AutoModelForSpeechSeq2Seq.from_pretrained(folder, { engine });
    const input_features = { data: features.features, dims: [...features.shape] };
    const decoder_input_ids = { data: ids, dims: [2, 7] };
    const seen = await model({ input_features, decoder_input_ids }, { output_attentions: true, output_hidden_states: true });
    expect(apart(seen.logits, 'logits')).toBeLessThan(1e-4);
    expect(apart(seen.encoder_last_hidden_state, 'encoder')).toBeLessThan(1e-4);
    expect(apart(seen.cross_attentions?.[1] as HostTensor, 'cross_attn.1')).toBeLessThan(1e-4);
    expect(apart(seen.encoder_hidden_states?.[2] as HostTensor, 'enc_hidden.2')).toBeLessThan(1e-4);
    model.dispose();
  });

  it('is saved, and read again, in every format, with the same bits', async () => {
    await expectSaved(
      folder,
      engine,
      {
        input_features: { data: features.features, dims: [...features.shape] },
        decoder_input_ids: { data: ids, dims: [2, 7] },
      },
      { fp32: 0, q8: 0.03, q4: 0.3 },
    );
  });

  it('is estimated, and loaded by no other class', () => expectKnown(folder, engine, 'whisper'));

  it('refuses features of another model, by name', async () => {
    const model = await load(engine);
    const short = { features: new Float32Array(16 * 58), shape: [1, 16, 58] as const };
    expect(() => engine.scope(() => drained(model.encode(short)))).toThrow(
      expect.objectContaining({ code: 'SHAPE', culprit: 'input_features', shape: [1, 16, 58] }),
    );
    model.dispose();
  });
});
