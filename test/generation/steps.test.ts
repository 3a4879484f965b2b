/** Sources whose masks pad anywhere, and what each step of a generation says: transformers' numbers. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { AutoModelForSeq2SeqLM, createEngine, type HostTensor, type Seq2SeqLM } from 'heed';
import { afterAll, describe, expect, it } from 'vitest';
import { difference } from '../cases/check.js';
import { readTensors } from './tensors.js';

const engine = await createEngine({ threads: 1, deterministic: true });
afterAll(() => engine.dispose());

const at = (path: string) => fileURLToPath(new URL(`../fixtures/${path}`, import.meta.url));
const load = (name: string): Promise<Seq2SeqLM> => AutoModelForSeq2SeqLM.from_pretrained(at(`hf/${name}`), { engine });
const want = readTensors(at('generation/steps.safetensors'));
const { cases, ...inputs } = JSON.parse(readFileSync(at('generation/steps.json'), 'utf8')) as {
  input_ids: number[][];
  attention_mask: number[][];
  decoder_input_ids: number[][];
  cases: { model: string; options: Record<string, number> }[];
};
const { input_ids, attention_mask } = inputs;

const expectNear = (got: HostTensor | undefined, name: string) => {
  expect(got?.dims, name).toEqual(want[name]?.dims);
  expect(difference(got?.data ?? [], want[name]?.data ?? [], 1e-4, 1e-5), name).toBeUndefined();
};

describe.each(['bart', 'marian', 't5', 't5_gated'])('%s', (name) => {
  it('reads sources that are padded anywhere as transformers does', async () => {
    const model = await load(name);
    const out = await model(inputs, { output_attentions: true, output_hidden_states: true });
    expectNear(out.logits, `${name}.logits`);
    expectNear(out.encoder_last_hidden_state, `${name}.encoder`);
    expectNear(out.encoder_attentions?.[1], `${name}.enc_attn`);
    expectNear(out.cross_attentions?.[1], `${name}.cross_attn`);
    expectNear(out.encoder_hidden_states?.[1], `${name}.enc_hidden`);
    model.dispose();
  });

  it('looks at padding that all sources have with no weight', async () => {
    const model = await load(name);
    const wants = { output_attentions: true };
    const [ids, mask] = [
      [18, 92, 51],
      [1, 1, 1],
    ];
    const padded = { input_ids: [[...ids, 0, 0]], attention_mask: [[...mask, 0, 0]], decoder_input_ids: [[0, 8]] };
    const [weights] = (await model(padded, wants)).cross_attentions as [HostTensor];
    const [alone] = (await model({ input_ids: [ids], decoder_input_ids: [[0, 8]] }, wants)).cross_attentions as [HostTensor];
    const rows = (weights.tolist() as number[][][][]).flat(2);
    expect(rows.map((row) => row.slice(0, 3))).toEqual((alone.tolist() as number[][][][]).flat(2));
    expect(rows.every((row) => row.length === 5 && row[3] === 0 && row[4] === 0)).toBe(true);
    model.dispose();
  });

  it('refuses a row in which no token counts', async () => {
    const model = await load(name);
    const mask = [[1, 1, 1, 1, 1, 1], attention_mask[1] as number[], [0, 0, 0, 0, 0, 0]];
    const error = { code: 'ARGUMENT', culprit: 'attention_mask', message: expect.stringContaining('row 2') };
    await expect(model({ ...inputs, attention_mask: mask })).rejects.toMatchObject(error);
    await expect(model.generate({ input_ids, attention_mask: mask })).rejects.toMatchObject(error);
    model.dispose();
  });
});

it('gives a source padded on the left the bits that it has alone, where positions are relative', async () => {
  const model = await load('t5');
  const decoder_input_ids = [[0, 8, 30]];
  const left = await model({ input_ids: [[0, 0, 18, 92, 51, 3]], attention_mask: [[0, 0, 1, 1, 1, 1]], decoder_input_ids });
  const alone = await model({ input_ids: [[18, 92, 51, 3]], decoder_input_ids });
  expect(left.logits.data).toEqual(alone.logits.data);
  expect(left.encoder_last_hidden_state.data.slice(2 * 32)).toEqual(alone.encoder_last_hidden_state.data);
  model.dispose();
});

/** [steps, rows, V], as PyTorch's stack of what each step gives. */
const expectSteps = (got: readonly HostTensor[] | undefined, name: string) => {
  const [steps, ...dims] = (want[name] as HostTensor).dims;
  expect(
    got?.map((x) => x.dims),
    name,
  ).toEqual(Array.from({ length: steps ?? 0 }, () => dims));
  const data = got?.flatMap((x) => Array.from(x.data)) ?? [];
  // −∞ where a token is forbidden.
  expect(difference(data, want[name]?.data ?? [], 1e-4, 1e-5), name).toBeUndefined();
};

describe('the steps of a generation', () => {
  it.each(cases.map((one, i) => [i, one.model, JSON.stringify(one.options), one] as const))(
    'are what transformers says, case %i: %s %s',
    async (i, name, _, { options }) => {
      const model = await load(name);
      const asked = { return_dict_in_generate: true as const, output_scores: true, output_logits: true };
      const out = await model.generate({ input_ids, attention_mask, ...options, ...asked });
      expectSteps(out.scores, `case${i}.scores`);
      if (want[`case${i}.logits`]) expectSteps(out.logits, `case${i}.logits`);
      if (want[`case${i}.sequences`]) {
        expect(out.sequences.tolist()).toEqual(want[`case${i}.sequences`]?.tolist());
        expect(out.beam_indices?.tolist()).toEqual(want[`case${i}.beam_indices`]?.tolist());
        if (out.sequences_scores) expectNear(out.sequences_scores, `case${i}.sequences_scores`);
        // Nothing comes of being told.
        const { sequences } = await model.generate({ input_ids, attention_mask, ...options, return_dict_in_generate: true });
        expect(sequences.tolist()).toEqual(out.sequences.tolist());
      }
      model.dispose();
    },
  );
});
