/** AutoModelForSeq2SeqLM: logits, attentions and generated tokens as transformers gives them, with every option, and nothing left behind however it ends. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AutoModelForSeq2SeqLM, createEngine, type HostTensor, type Seq2SeqLM } from 'heed';
import { afterAll, describe, expect, it } from 'vitest';
import { readTensors } from './tensors.js';

const engine = await createEngine({ threads: 1, deterministic: true });
afterAll(() => engine.dispose());

const names = ['marian', 'bart', 't5', 't5_gated'];
const folderOf = (name: string) => fileURLToPath(new URL(`../fixtures/hf/${name}`, import.meta.url));
const load = (name: string) => AutoModelForSeq2SeqLM.from_pretrained(folderOf(name), { engine });

const distance = (got: HostTensor | undefined, want: HostTensor | undefined): number => {
  expect(got?.dims).toEqual(want?.dims);
  return Array.from(got?.data ?? []).reduce((most, x, i) => Math.max(most, Math.abs(x - (want?.data[i] as number))), 0);
};

describe.each(names)('%s', (name) => {
  const expected = () => readTensors(join(folderOf(name), 'expected.safetensors'));

  it('scores a text as transformers does', async () => {
    const want = expected();
    const { input_ids, attention_mask, decoder_input_ids } = want;
    const model = await load(name);
    const inputs = { input_ids, attention_mask, decoder_input_ids } as Parameters<Seq2SeqLM>[0];
    const out = await model(inputs, { output_attentions: true, output_hidden_states: true });
    expect(distance(out.logits, want.logits)).toBeLessThan(1e-4);
    // States of padding are nobody's.
    expect(out.encoder_last_hidden_state.dims).toEqual(want.encoder?.dims);
    expect(distance(out.encoder_last_hidden_state, want.encoder)).toBeLessThan(1e-4);
    for (const layer of [0, 1]) {
      expect(distance(out.encoder_attentions?.[layer], want[`enc_attn.${layer}`])).toBeLessThan(1e-4);
      expect(distance(out.decoder_attentions?.[layer], want[`dec_attn.${layer}`])).toBeLessThan(1e-4);
      expect(distance(out.cross_attentions?.[layer], want[`cross_attn.${layer}`])).toBeLessThan(1e-4);
    }
    expect(out.encoder_hidden_states).toHaveLength(3);
    expect(out.decoder_hidden_states).toHaveLength(3);
    expect(Object.keys(await model(inputs)).sort()).toEqual(['encoder_last_hidden_state', 'logits']);
    model.dispose();
  });

  it('writes what transformers writes, greedily and with 4 beams', async () => {
    const { input_ids, attention_mask, greedy, beam4 } = expected() as Record<string, HostTensor>;
    const inputs = { input_ids, attention_mask } as Parameters<Seq2SeqLM>[0];
    const model = await load(name);
    const one = await model.generate({ ...inputs, max_new_tokens: 14 });
    expect(one.tolist()).toEqual(greedy?.tolist());
    const four = await model.generate({ ...inputs, max_new_tokens: 14, num_beams: 4, early_stopping: true });
    expect(four.tolist()).toEqual(beam4?.tolist());
    expect([four.type, four.dims]).toEqual(['int32', [2, 15]]);
    model.dispose();
  });
});
