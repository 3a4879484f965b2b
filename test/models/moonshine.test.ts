/** Moonshine's stacks, with random weights: equal to transformers', in all formats, saved and read again; what it writes, and what it refuses. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  AutoModelForSpeechSeq2Seq,
  createEngine,
  type Engine,
  type HostTensor,
  pipeline,
  type SpeechSeq2Seq,
} from '../../dist/entry/node.js';
import { numbersOf, readWeights, type Weight } from './files.js';
import { expectKnown, expectSaved } from './speech.js';

const folder = fileURLToPath(new URL('../fixtures/speech/moonshine', import.meta.url));
const expected = readWeights(readFileSync(join(folder, 'expected.safetensors')));
const numbers = (name: string) => Float32Array.from(numbersOf(expected[name] as Weight));
const { generated, told } = JSON.parse(readFileSync(join(folder, 'generate.json'), 'utf8')) as {
  generated: Record<string, { options: object; masked: boolean; sequences: number[][] }>;
  told: [string, string];
};

const [L, SHORT] = [16_000, 9000];
const samples = Float32Array.from(new Int16Array((expected.samples as Weight).bytes.slice().buffer), (x) => x / 2048);
const input_values = { data: samples, dims: [2, L] };
const attention_mask = { data: Int32Array.from(samples, (_, i) => Number(i < L + SHORT)), dims: [2, L] };
const decoder_input_ids = { data: new Int32Array((expected.decoder_input_ids as Weight).bytes.slice().buffer), dims: [2, 6] };

function apart(got: HostTensor | undefined, name: string): number {
  expect(got?.dims, name).toEqual(expected[name]?.shape);
  const want = numbers(name);
  return Array.from(got?.data ?? []).reduce((most, x, i) => Math.max(most, Math.abs(Number(x) - (want[i] as number))), 0);
}

describe('a tiny Moonshine', () => {
  let engine: Engine;
  let model: SpeechSeq2Seq;
  beforeAll(async () => {
    engine = await createEngine({ threads: 2, deterministic: true, inlineBelow: 0 });
    model = await AutoModelForSpeechSeq2Seq.from_pretrained(folder, { engine });
  });
  afterAll(() => engine.dispose());

  it("equals transformers': scores, states and attentions, with padding and without, and leaves no memory behind", async () => {
    const wants = { output_attentions: true, output_hidden_states: true };
    // The engine keeps a scratch.
    await model({ input_values, attention_mask, decoder_input_ids }, wants);
    const before = engine.memory().used;
    const whole = await model({ input_values, decoder_input_ids });
    expect(apart(whole.logits, 'logits')).toBeLessThan(1e-4);
    expect(apart(whole.encoder_last_hidden_state, 'encoder')).toBeLessThan(1e-4);
    const masked = await model({ input_values, attention_mask, decoder_input_ids }, wants);
    expect(apart(masked.logits, 'masked.logits')).toBeLessThan(1e-4);
    expect(apart(masked.cross_attentions?.[2], 'masked.cross_attn.2')).toBeLessThan(1e-4);
    expect(apart(masked.decoder_hidden_states?.[1], 'masked.dec_hidden.1')).toBeLessThan(1e-4);
    expect(apart(masked.encoder_hidden_states?.[0], 'masked.enc_hidden.0')).toBeLessThan(1e-4);
    expect(masked.encoder_attentions?.map(({ dims }) => dims)).toEqual([
      [2, 2, 40, 40],
      [2, 2, 40, 40],
    ]);
    expect(engine.memory().used).toBe(before);
  });

  it.each(Object.entries(generated))("writes what transformers' does: %s", async (_, { options, masked, sequences }) => {
    const ids = await model.generate({ input_values, ...(masked && { attention_mask }), ...options });
    expect(ids.tolist()).toEqual(sequences);
  });

  it('hears through the pipeline, by itself or beside others, and long sounds in pieces', async () => {
    const hear = await pipeline('automatic-speech-recognition', folder, { engine });
    const [one, other] = [samples.subarray(0, L), samples.subarray(L, L + SHORT)];
    expect(await hear(one)).toEqual({ text: told[0] });
    expect(await hear([one, other])).toEqual(told.map((text) => ({ text })));
    // The decoder has positions for six seconds; overlaps that say the same are told once.
    const long = new Float32Array(10 * L);
    for (let at = 0; at < long.length; at += L) long.set(one, at);
    const heard: number[][] = [];
    const { text } = await hear(long, { onProgress: (...all) => heard.push(all) });
    expect(text.length).toBeGreaterThan(told[0].length);
    expect(heard.at(-1)).toEqual([10 * L, 10 * L]);
    expect(await hear(new Float32Array(100))).toMatchObject({ text: expect.any(String) });
    await expect(hear(one, { return_timestamps: true })).rejects.toMatchObject({ code: 'UNSUPPORTED', culprit: 'return_timestamps' });
    await expect(hear(one, { language: 'de' })).rejects.toMatchObject({ culprit: 'language' });
    // Two sequences are no one text, and what is beyond the decoder's positions would be cut off.
    const several = hear(one, { num_beams: 2, num_return_sequences: 2 });
    await expect(several).rejects.toMatchObject({ code: 'UNSUPPORTED', culprit: 'num_return_sequences' });
    for (const chunk_length_s of [Number.NaN, 8])
      await expect(hear(long, { chunk_length_s })).rejects.toMatchObject({ code: 'ARGUMENT', culprit: 'chunk_length_s' });
    hear.dispose();
  });

  it('is saved, and read again, in every format, with the same bits', async () => {
    await expectSaved(folder, engine, { input_values, decoder_input_ids }, { fp32: 0, q8: 0.1 });
  });

  it('is estimated, and loaded by no other class', () => expectKnown(folder, engine, 'moonshine'));

  it.each([
    ['features', { input_features: input_values }, 'UNSUPPORTED', 'input_features'],
    ['a third axis', { input_values: { data: samples, dims: [1, 2, L] } }, 'ARGUMENT', 'input_values'],
    ['too little sound', { input_values: { data: samples.subarray(0, 800), dims: [1, 800] } }, 'ARGUMENT', 'input_values'],
    ['what is no number', { input_values: { data: new Float32Array(L).fill(Number.NaN), dims: [1, L] } }, 'NUMERIC', 'input_values'],
    ['a mask of others', { input_values, attention_mask: { data: new Int32Array(L).fill(1), dims: [1, L] } }, 'SHAPE', 'attention_mask'],
    ['too many tokens', { input_values, max_new_tokens: 100 }, 'ARGUMENT', 'max_new_tokens'],
  ])('refuses %s', async (_, options, code, culprit) => {
    await expect(model.generate(options)).rejects.toMatchObject({ code, culprit });
  });
});
