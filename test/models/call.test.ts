/** Calling a model: the forms that inputs may have, what each wrong one says, and a way back at every step. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../dist/engine/engine.js';
import { AutoModel, createEngine } from '../../dist/entry/node.js';
import type { CallOptions, Model, ModelInputs } from '../../dist/models/model.js';
import { failureOf } from '../io/memory.js';
import { tinyPath } from './files.js';

let engine: Engine;
let model: Model;
beforeAll(async () => {
  engine = await createEngine({ threads: 2, inlineBelow: 0, deterministic: true });
  model = await AutoModel.from_pretrained(tinyPath, { engine });
  await model({ input_ids: [[2, 3]] });
});
afterAll(() => engine.dispose());

const ids = [
  [2, 17, 40, 3],
  [2, 96, 0, 3],
];
const states = async (inputs: ModelInputs) => Array.from((await model(inputs)).last_hidden_state.data);
const asInputs = (inputs: unknown) => inputs as ModelInputs;

describe('input_ids', () => {
  it('may be nested lists, or data with dims, of numbers or of bigints', async () => {
    const want = await states({ input_ids: ids });
    const flat = ids.flat();
    for (const data of [flat, Int32Array.from(flat), BigInt64Array.from(flat, BigInt), Float64Array.from(flat)])
      expect(await states({ input_ids: { data, dims: [2, 4] } })).toEqual(want);
  });

  it.each<[string, unknown]>([
    ['missing', undefined],
    ['null', null],
    ['a number', 5],
    ['a string', 'text'],
    ['one flat list', [1, 2, 3]],
    ['ragged', [[1, 2], [3]]],
    ['a list of nothing', [null]],
    ['a list of lists and nothing', [[], null]],
    ['nested too deep', [[[1]]]],
    ['without dims', { data: [1, 2] }],
    ['without data', { dims: [1, 2] }],
    ['of three axes', { data: [1, 2], dims: [1, 1, 2] }],
    ['of another size', { data: [1, 2], dims: [1, 3] }],
    ['of negative size', { data: [1, 2, 3], dims: [-1, -3] }],
    ['of fractional size', { data: [1], dims: [0.5, 2] }],
  ])('that are %s are SHAPE or ARGUMENT', async (_, input_ids) => {
    const error = await failureOf(() => model(asInputs({ input_ids })));
    expect(error.code).toMatch(/^(SHAPE|ARGUMENT)$/);
    expect(error.culprit).toBe('input_ids');
  });

  it.each([97, -1, 2 ** 31 - 1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, 2 ** 40])('that hold %s are ARGUMENT', async (id) => {
    const error = await failureOf(() => model({ input_ids: [[2, id, 3]] }));
    expect(error.code).toBe('ARGUMENT');
    expect(error.message).toContain(String(id));
  });

  it('that are more than the positions are ARGUMENT, with both numbers', async () => {
    const row = (T: number) => [Array.from({ length: T }, () => 5)];
    expect((await model({ input_ids: row(64) })).last_hidden_state.dims).toEqual([1, 64, 32]);
    const error = await failureOf(() => model({ input_ids: row(65) }));
    expect(error).toMatchObject({ code: 'ARGUMENT', culprit: 'input_ids', shape: [1, 65] });
    expect(error.message).toMatch(/65 .* 64/);
  });

  it.each<[number, number]>([
    [0, 0],
    [1, 0],
    [3, 0],
  ])('of [%i, %i], rows of nothing, are ARGUMENT', async (B, T) => {
    const input = { data: [], dims: [B, T] };
    for (const attention_mask of [undefined, input])
      expect(await failureOf(() => model({ input_ids: input, attention_mask }))).toMatchObject({ code: 'ARGUMENT', shape: [B, T] });
  });

  it('of no rows give none', async () => {
    const input = { data: [], dims: [0, 5] };
    for (const attention_mask of [undefined, input]) {
      const out = await model({ input_ids: input, attention_mask }, { output_attentions: true, output_hidden_states: true });
      expect(out.last_hidden_state).toMatchObject({ dims: [0, 5, 32], size: 0 });
      expect(out.pooler_output).toMatchObject({ dims: [0, 32], size: 0 });
      expect(out.attentions?.map(({ dims }) => dims)).toEqual([
        [0, 4, 5, 5],
        [0, 4, 5, 5],
      ]);
    }
  });
});

describe('attention_mask and token_type_ids', () => {
  it('leave every row a token: one that is nothing but padding is refused by its number', async () => {
    const mask = [
      [1, 1, 0],
      [0, 0, 0],
    ];
    const error = await failureOf(() =>
      model({
        input_ids: [
          [2, 17, 3],
          [2, 3, 0],
        ],
        attention_mask: mask,
      }),
    );
    expect(error).toMatchObject({ code: 'ARGUMENT', culprit: 'attention_mask', message: expect.stringContaining('row 1') });
  });

  it('must have the shape of input_ids', async () => {
    for (const name of ['attention_mask', 'token_type_ids'])
      expect(await failureOf(() => model({ input_ids: ids, [name]: [[1, 1, 1, 1]] }))).toMatchObject({
        code: 'SHAPE',
        culprit: name,
        shape: [1, 4],
      });
  });

  it('are 1 and 0 where they are left out', async () => {
    const ones = ids.map((row) => row.map(() => 1));
    const zeros = ids.map((row) => row.map(() => 0));
    const want = await states({ input_ids: ids });
    expect(await states({ input_ids: ids, attention_mask: ones, token_type_ids: zeros })).toEqual(want);
    expect(await states({ input_ids: ids, token_type_ids: ones })).not.toEqual(want);
  });

  it('of a type that there is not are ARGUMENT', async () => {
    expect((await failureOf(() => model({ input_ids: [[2]], token_type_ids: [[2]] }))).code).toBe('ARGUMENT');
  });

  it('of right padding changes no bit of what is not padding', async () => {
    const alone = await states({ input_ids: [[2, 17, 40, 3]] });
    const padded = await states({ input_ids: [[2, 17, 40, 3, 50, 60, 70]], attention_mask: [[1, 1, 1, 1, 0, 0, 0]] });
    expect(padded.slice(0, alone.length)).toEqual(alone);
  });

  it('takes any number but 0 for a token', async () => {
    const mask = (one: number) => ({ input_ids: [[2, 17, 40, 3]], attention_mask: [[one, one, 0, one]] });
    expect(await states(mask(7))).toEqual(await states(mask(1)));
  });
});

describe('an option', () => {
  it.each<[unknown, unknown]>([
    [{ input_ids: ids, pixel_values: [] }, {}],
    [{ input_ids: ids, inputs_embeds: [] }, {}],
    [{ input_ids: ids }, { return_dict: true }],
  ])('that heed does not have is UNSUPPORTED', async (inputs, options) => {
    expect((await failureOf(() => model(asInputs(inputs), options as CallOptions))).code).toBe('UNSUPPORTED');
  });
});

describe('a forward', () => {
  const inputs: ModelInputs = {
    input_ids: ids,
    attention_mask: [
      [1, 1, 1, 1],
      [0, 1, 1, 1],
    ],
  };

  it('leaves the memory as it was, whatever was asked for', async () => {
    const before = engine.memory();
    for (let i = 0; i < 5; i++) {
      await model(inputs, { output_attentions: true, output_hidden_states: true });
      await failureOf(() => model({ input_ids: [[97]] }));
      await failureOf(() => model({ input_ids: [[1]], token_type_ids: [[9]] }));
    }
    expect(engine.memory()).toMatchObject({ used: before.used, storages: before.storages });
  });

  it('can be given up in every step: the reason, the memory as it was, and the next one right', async () => {
    const want = await states(inputs);
    const before = engine.memory();
    const reason = { my: 'reason' };
    const prepared = { ids: Int32Array.from(ids.flat()), shape: [2, 4] as const, padding: Uint8Array.of(0, 0, 0, 0, 1, 0, 0, 0) };
    for (let last = 0; ; last++) {
      const controller = new AbortController();
      let step = 0;
      const call = engine.run(function* () {
        const steps = model.encoder.steps(prepared, { attentions: true, hiddenStates: true, pooler: true });
        for (;;) {
          if (step++ === last) controller.abort(reason);
          const { done, value } = steps.next();
          if (done) return value.lastHiddenState.toHost();
          yield;
        }
      }, controller.signal);
      // Embeddings, two blocks, the pooler, and the end, which is too late for anything but the caller.
      if (last > 4) {
        expect(Array.from((await call).data)).toEqual(want);
        break;
      }
      await expect(call).rejects.toBe(reason);
      expect(step).toBe(last + 1);
      await engine.run(function* () {}); // behind what is left of it
      expect(engine.memory()).toMatchObject({ used: before.used, storages: before.storages });
      expect(await states(inputs)).toEqual(want);
    }
  });

  it('is right when 64 of them are called at once', async () => {
    const alone = await Promise.all([0, 1, 2, 3].map((i) => states({ input_ids: [[2, 5 + i, 3]] })));
    const calls = await Promise.all(Array.from({ length: 64 }, (_, i) => states({ input_ids: [[2, 5 + (i % 4), 3]] })));
    for (const [i, got] of calls.entries()) expect(got).toEqual(alone[i % 4]);
  });

  it('gives copies that the user may change', async () => {
    const first = (await model(inputs)).last_hidden_state;
    const want = Array.from(first.data);
    first.data.fill(0);
    expect(await states(inputs)).toEqual(want);
    expect(first.tolist()).toHaveLength(2);
  });
});
