/** AutoModelForSeq2SeqLM: logits, attentions and generated tokens as transformers gives them, with every option, and nothing left behind however it ends. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AutoModelForSeq2SeqLM, createEngine, type HostTensor, type Seq2SeqLM } from 'heed';
import { afterAll, describe, expect, it } from 'vitest';
import { readTensors } from './tensors.js';

const engine = await createEngine({ threads: 1, deterministic: true });
afterAll(() => engine.dispose());

const names = ['marian', 'bart', 'mbart', 'm2m_100', 'pegasus', 't5', 't5_gated'];
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

describe.each(['mbart', 'm2m_100', 'pegasus'])('%s', (name) => {
  const expected = readTensors(join(folderOf(name), 'expected.safetensors'));
  const given = (side: string) => {
    const [input_ids, attention_mask] = [expected[`${side}input_ids`], expected[`${side}attention_mask`]];
    return { input_ids, attention_mask } as Parameters<Seq2SeqLM>[0];
  };

  it.each(['', 'left.'])('has every state and attention of sources that are padded on the right, or on the left (%s)', async (side) => {
    const model = await load(name);
    const inputs = { ...given(side), decoder_input_ids: expected.decoder_input_ids } as Parameters<Seq2SeqLM>[0];
    const out = await model(inputs, { output_attentions: true, output_hidden_states: true });
    const lists = {
      enc_attn: out.encoder_attentions,
      dec_attn: out.decoder_attentions,
      cross_attn: out.cross_attentions,
      enc_hidden: out.encoder_hidden_states,
      dec_hidden: out.decoder_hidden_states,
    };
    const told: [string, HostTensor][] = [
      ['logits', out.logits],
      ['encoder', out.encoder_last_hidden_state],
      ...Object.entries(lists).flatMap(([key, list]) => (list ?? []).map((x, i): [string, HostTensor] => [`${key}.${i}`, x])),
    ];
    expect(told).toHaveLength(14);
    for (const [key, x] of told) expect(distance(x, expected[side + key]), key).toBeLessThan(1e-4);
    model.dispose();
  });

  it.each(['', 'left.'])('writes what transformers writes, all four beams and their scores too (%s)', async (side) => {
    const model = await load(name);
    const inputs = { ...given(side), max_new_tokens: 14 };
    expect((await model.generate(inputs)).tolist()).toEqual(expected[`${side}greedy`]?.tolist());
    const beams = { ...inputs, num_beams: 4, early_stopping: true };
    expect((await model.generate(beams)).tolist()).toEqual(expected[`${side}beam4`]?.tolist());
    const { sequences, sequences_scores } = await model.generate({ ...beams, num_return_sequences: 4, return_dict_in_generate: true });
    expect(sequences.tolist()).toEqual(expected[`${side}returned`]?.tolist());
    expect(distance(sequences_scores, expected[`${side}returned_scores`])).toBeLessThan(1e-4);
    model.dispose();
  });
});

const sources = {
  input_ids: [
    [6, 59, 81, 33, 65, 17],
    [18, 92, 51, 3, 0, 0],
  ],
  attention_mask: [
    [1, 1, 1, 1, 1, 1],
    [1, 1, 1, 1, 0, 0],
  ],
};

describe('generate', async () => {
  const model = await load('bart');

  it('gives an object where it is asked for, with scores and the attentions of what was written', async () => {
    const options = { num_beams: 3, num_return_sequences: 2, max_new_tokens: 5, output_attentions: true, output_hidden_states: true };
    const out = await model.generate({ ...sources, ...options, return_dict_in_generate: true });
    expect([out.sequences.dims, out.sequences_scores?.dims]).toEqual([[4, 6], [4]]);
    const [H, S, T] = [4, 6, 6];
    expect(out.encoder_attentions?.map((x) => x.dims)).toEqual([
      [2, H, S, S],
      [2, H, S, S],
    ]);
    expect(out.decoder_attentions?.map((x) => x.dims)).toEqual([
      [4, H, T, T],
      [4, H, T, T],
    ]);
    expect(out.cross_attentions?.map((x) => x.dims)).toEqual([
      [4, H, T, S],
      [4, H, T, S],
    ]);
    // Sequence 2 is the second source's first: the same as a forward over it gives.
    const rows = out.sequences.tolist() as number[][];
    const scored = await model(
      {
        input_ids: [sources.input_ids[1] as number[]],
        attention_mask: [sources.attention_mask[1] as number[]],
        decoder_input_ids: [rows[2] as number[]],
      },
      { output_attentions: true, output_hidden_states: true },
    );
    const own = (x: HostTensor | undefined, row: number) =>
      x?.data.slice((row * x.size) / (x.dims[0] as number), ((row + 1) * x.size) / (x.dims[0] as number));
    for (const layer of [0, 1]) {
      expect(own(out.cross_attentions?.[layer], 2)).toEqual(scored.cross_attentions?.[layer]?.data);
      expect(own(out.decoder_attentions?.[layer], 2)).toEqual(scored.decoder_attentions?.[layer]?.data);
      expect(own(out.encoder_attentions?.[layer], 1)).toEqual(scored.encoder_attentions?.[layer]?.data);
      expect(own(out.encoder_hidden_states?.[layer], 1)).toEqual(scored.encoder_hidden_states?.[layer]?.data);
      expect(own(out.decoder_hidden_states?.[layer], 2)).toEqual(scored.decoder_hidden_states?.[layer]?.data);
    }
    const best = await model.generate({ ...sources, num_beams: 3, max_new_tokens: 5 });
    expect(best.tolist()).toEqual([rows[0], rows[2]]);
    expect(Object.keys(await model.generate({ ...sources, return_dict_in_generate: true }))).toEqual(['sequences']);
  });

  it('goes on from what the call gives', async () => {
    const whole = (await model.generate({ ...sources, max_new_tokens: 6, forced_eos_token_id: 5 })).tolist() as number[][];
    const decoder_input_ids = whole.map((row) => row.slice(0, 4));
    const rest = await model.generate({ ...sources, decoder_input_ids, max_new_tokens: 3, forced_eos_token_id: 5 });
    expect(rest.tolist()).toEqual(whole);
    // The start token goes without saying.
    const bare = decoder_input_ids.map((row) => row.slice(1));
    expect((await model.generate({ ...sources, decoder_input_ids: bare, max_new_tokens: 3, forced_eos_token_id: 5 })).tolist()).toEqual(
      whole,
    );
  });

  it('gives a source the same whatever stands beside it', async () => {
    for (const options of [{ max_new_tokens: 8 }, { max_new_tokens: 8, num_beams: 3, num_return_sequences: 3 }]) {
      const n = options.num_beams ?? 1;
      const both = await model.generate({ ...sources, ...options });
      const alone = await model.generate({ input_ids: [[18, 92, 51, 3]], ...options });
      expect(alone.tolist()).toEqual((both.tolist() as number[][]).slice(n));
    }
  });

  it('leaves no memory behind, however it ends', async () => {
    const options = { ...sources, max_new_tokens: 9, num_beams: 3 };
    await model.generate(options);
    const before = engine.memory();
    const expectClean = () => expect(engine.memory()).toMatchObject({ used: before.used, storages: before.storages });
    await model.generate({ ...options, output_attentions: true, return_dict_in_generate: true });
    expectClean();
    await model({
      ...sources,
      decoder_input_ids: [
        [0, 1],
        [0, 2],
      ],
    });
    expectClean();
    // An abort at every look at the signal in turn, until the search ends before it.
    let ends = 0;
    for (let looks = 1; ends === 0 && looks < 400; looks++) {
      const abort = new AbortController();
      const { signal } = abort;
      let seen = 0;
      signal.throwIfAborted = () => {
        if (++seen >= looks) abort.abort(new Error('enough'));
        if (signal.aborted) throw signal.reason;
      };
      await model.generate({ ...options, signal }).then(
        () => ends++,
        (error: unknown) => expect(error).toMatchObject({ message: 'enough' }),
      );
      await engine.run(function* () {});
      expectClean();
    }
    expect(ends).toBe(1);
    await expect(
      model.generate({ ...options, suppress_tokens: Array.from({ length: 97 }, (_, i) => i), forced_eos_token_id: 2 }),
    ).rejects.toMatchObject({ code: 'ARGUMENT' });
    const streamer = {
      put: () => {
        throw new Error('no more');
      },
      end() {},
    };
    await expect(model.generate({ input_ids: [[3, 4]], streamer })).rejects.toThrow('no more');
    expectClean();
  });

  it.each<[string, object, string, string]>([
    ['an option that nobody knows', { num_beam: 4 }, 'UNSUPPORTED', 'num_beam'],
    ['one that heed does not have', { penalty_alpha: 0.6 }, 'UNSUPPORTED', 'penalty_alpha'],
    ['a config as an object', { generation_config: {} }, 'UNSUPPORTED', 'generation_config'],
    ['no source', { input_ids: undefined }, 'SHAPE', 'input_ids'],
    ['a ragged source', { input_ids: [[1], [2, 3]] }, 'SHAPE', 'input_ids'],
    ['a source outside of the vocabulary', { input_ids: [[97]] }, 'ARGUMENT', 'input_ids'],
    ['types', { token_type_ids: [[1, 0]] }, 'ARGUMENT', 'token_type_ids'],
    ['nothing but padding', { attention_mask: [[0, 0]] }, 'ARGUMENT', 'attention_mask'],
    ['a start for other sources', { decoder_input_ids: [[0], [0]] }, 'SHAPE', 'decoder_input_ids'],
    ['a start outside of the vocabulary', { decoder_input_ids: [[97]] }, 'ARGUMENT', 'decoder_input_ids'],
    ['attentions that nobody gets', { output_attentions: true }, 'ARGUMENT', 'output_attentions'],
    ['scores that nobody gets', { output_scores: true }, 'ARGUMENT', 'output_scores'],
    ['logits that nobody gets', { output_logits: true }, 'ARGUMENT', 'output_logits'],
    ['hidden states that nobody gets', { output_hidden_states: true }, 'ARGUMENT', 'output_hidden_states'],
    ['a flag that is none', { return_dict_in_generate: 1 }, 'ARGUMENT', 'return_dict_in_generate'],
    ['a streamer that is none', { streamer: {} }, 'ARGUMENT', 'streamer'],
    ['a streamer of beams', { streamer: { put() {}, end() {} }, num_beams: 2 }, 'ARGUMENT', 'streamer'],
    ['a streamer of two', { streamer: { put() {}, end() {} }, num_return_sequences: 2, do_sample: true }, 'ARGUMENT', 'streamer'],
    ['a signal that is none', { signal: 1 }, 'ARGUMENT', 'signal'],
    ['more than there are positions', { max_length: 65 }, 'ARGUMENT', 'max_length'],
  ])('refuses %s', async (_, options, code, culprit) => {
    await expect(model.generate({ input_ids: [[3, 4]], ...options } as never)).rejects.toMatchObject({ code, culprit });
  });

  it('refuses to score without a text', async () => {
    await expect(model({ input_ids: [[3]] })).rejects.toMatchObject({ code: 'ARGUMENT', culprit: 'decoder_input_ids' });
  });

  it('rejects when the model was disposed of', async () => {
    const other = await load('t5');
    const running = other.generate({ ...sources, max_new_tokens: 500 });
    other.dispose();
    await expect(running).rejects.toMatchObject({ code: 'ARGUMENT', culprit: 'model' });
    await expect(other.generate(sources)).rejects.toMatchObject({ code: 'ARGUMENT', culprit: 'model' });
  });
});
