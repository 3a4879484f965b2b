/** pipeline('feature-extraction') with a tiny BERT: what each option gives, what a wrong one says, and the same bits in any company. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../dist/engine/engine.js';
import { AutoModel, createEngine, pipeline } from '../../dist/entry/node.js';
import type { FeatureExtractionOptions, FeatureExtractor } from '../../dist/pipelines/feature_extraction.js';
import type { HostTensor } from '../../dist/tensor.js';
import fc from '../draws.js';
import { failureOf } from '../io/memory.js';
import { tinyPath } from '../models/files.js';

const C = 32;
let engine: Engine;
let extractor: FeatureExtractor;
beforeAll(async () => {
  engine = await createEngine({ threads: 2, inlineBelow: 0, deterministic: true });
  extractor = await pipeline('feature-extraction', tinyPath, { engine });
});
afterAll(() => engine.dispose());

const texts = ['a cat', 'a kitten sits', '', 'x', 'stock prices fell 3 %, again!'];
const rows = ({ data, dims }: HostTensor): number[][] =>
  Array.from({ length: dims[0] as number }, (_, i) =>
    Array.from(data.subarray((i * data.length) / (dims[0] as number), ((i + 1) * data.length) / (dims[0] as number))),
  );
const one = (text: string, options?: FeatureExtractionOptions) => extractor(text, options).then(({ data }) => Array.from(data));
const norm = (row: readonly number[]) => Math.sqrt(row.reduce((sum, x) => sum + x * x, 0));

/** The states of a text's tokens, from the model itself. */
async function statesOf(text: string): Promise<number[][]> {
  const ids = extractor.tokenizer.encode(text);
  const { last_hidden_state } = await extractor.model({ input_ids: [ids] });
  return ids.map((_, t) => Array.from(last_hidden_state.data.subarray(t * C, (t + 1) * C)));
}

describe('pooling', () => {
  it('none, the default, gives the states of all tokens, padded with zeros', async () => {
    const longest = Math.max(...texts.map((text) => extractor.tokenizer.encode(text).length));
    for (const out of [await extractor(texts), await extractor(texts, { pooling: 'none' })]) {
      expect(out.dims).toEqual([texts.length, longest, C]);
      for (const [i, row] of rows(out).entries()) {
        const states = await statesOf(texts[i] as string);
        expect(row.slice(0, states.length * C)).toEqual(states.flat());
        expect(row.slice(states.length * C).every((x) => x === 0)).toBe(true);
      }
    }
  });

  it('cls gives the state of the first token', async () => {
    const out = await extractor(texts, { pooling: 'cls' });
    expect(out.dims).toEqual([texts.length, C]);
    for (const [i, row] of rows(out).entries()) expect(row).toEqual((await statesOf(texts[i] as string))[0]);
  });

  it('eos and last_token give the state of the last token, first_token that of the first', async () => {
    const [last, same] = [await extractor(texts, { pooling: 'last_token' }), await extractor(texts, { pooling: 'eos' })];
    expect(same).toEqual(last);
    for (const [i, row] of rows(last).entries()) expect(row).toEqual((await statesOf(texts[i] as string)).at(-1));
    expect(await extractor(texts, { pooling: 'first_token' })).toEqual(await extractor(texts, { pooling: 'cls' }));
  });

  it('mean gives the mean of the tokens, special ones included', async () => {
    const out = await extractor(texts, { pooling: 'mean' });
    expect(out.dims).toEqual([texts.length, C]);
    for (const [i, row] of rows(out).entries()) {
      const states = await statesOf(texts[i] as string);
      const mean = Array.from({ length: C }, (_, c) => states.reduce((sum, state) => sum + (state[c] as number), 0) / states.length);
      expect(row).toEqual(mean.map(Math.fround));
    }
  });
});

describe('normalize', () => {
  it.each(['mean', 'cls', 'none'] as const)('scales vectors to length 1, and changes nothing else (%s)', async (pooling) => {
    const [plain, normal] = [await extractor(texts, { pooling }), await extractor(texts, { pooling, normalize: true })];
    expect(normal.dims).toEqual(plain.dims);
    for (let i = 0; i < plain.data.length; i += C) {
      const [a, b] = [plain, normal].map(({ data }) => Array.from(data.subarray(i, i + C))) as [number[], number[]];
      const length = norm(a);
      if (length === 0)
        expect(b.every((x) => x === 0)).toBe(true); // padding
      else for (const [c, x] of a.entries()) expect(b[c]).toBeCloseTo(x / length, 6);
    }
    const want = { pooling, normalize: false };
    expect((await extractor(texts, want)).data).toEqual(plain.data);
  });
});

describe('texts', () => {
  it('of which there is one may stand without a list', async () => {
    expect(await extractor('a cat', { pooling: 'mean' })).toEqual(await extractor(['a cat'], { pooling: 'mean' }));
  });

  it('of which there is none give an empty tensor', async () => {
    expect(await extractor([], { pooling: 'mean' })).toMatchObject({ dims: [0, C], size: 0 });
    expect(await extractor([])).toMatchObject({ dims: [0, 0, C], size: 0 });
  });

  it('that are empty, or only spaces, are their special tokens', async () => {
    const empty = await extractor('');
    expect(empty.dims).toEqual([1, 2, C]);
    expect(await extractor('  \t\n ')).toEqual(empty);
  });

  it('that are too long are cut at sentence_bert_config.json, the special token at the end included', async () => {
    const long = Array.from({ length: 20_000 }, (_, i) => String.fromCharCode(97 + (i % 26))).join(' ');
    expect((await extractor(long)).dims).toEqual([1, 64, C]);
    expect(await extractor(long)).toEqual(await extractor(long.slice(0, 2 * 62 - 1)));
  });

  it('of many kinds come back in their order', async () => {
    const many = Array.from({ length: 100 }, (_, i) => 'word '.repeat((i * 37) % 23) + i);
    const all = rows(await extractor(many, { pooling: 'mean' }));
    for (const i of [0, 1, 50, 98, 99]) expect(all[i]).toEqual(await one(many[i] as string, { pooling: 'mean' }));
  });

  it.each<[string, unknown]>([
    ['undefined', undefined],
    ['null', null],
    ['a number', 5],
    ['an object', {}],
    ['a list with a number', ['a', 5]],
    ['a list with undefined', [undefined]],
    ['a list of lists', [['a']]],
    ['a list with a hole', new Array(1)],
  ])('that are no texts are ARGUMENT: %s', async (_, input) => {
    expect(await failureOf(() => extractor(input as string))).toMatchObject({ code: 'ARGUMENT' });
  });
});

describe('max_length', () => {
  it('cuts texts, special tokens included', async () => {
    expect((await extractor('a b c d e f', { max_length: 5 })).dims).toEqual([1, 5, C]);
    expect(await extractor('a b c d e f', { max_length: 5 })).toEqual(await extractor('a b c'));
  });

  it.each([0, -1, 65, 1.5, Number.NaN, '5', null])('%s is ARGUMENT, and says what the model takes', async (max_length) => {
    const error = await failureOf(() => extractor('a', { max_length } as FeatureExtractionOptions));
    expect(error).toMatchObject({ code: 'ARGUMENT', culprit: 'max_length' });
    expect(error.cure).toMatch(/1 to 64/);
  });

  it('that leaves no room for the special tokens is ARGUMENT', async () => {
    expect(await failureOf(() => extractor('a', { max_length: 1 }))).toMatchObject({ code: 'ARGUMENT', culprit: 'max_length' });
  });
});

describe('bits', () => {
  it('are 1 where a number is above 0, eight in a byte, the first of them the highest', async () => {
    const plain = await extractor(texts, { pooling: 'mean' });
    const bits = (bytes: ArrayLike<number>, zero: number) =>
      Array.from(bytes, (byte) => (byte + zero).toString(2).padStart(8, '0')).join('');
    const expected = Array.from(plain.data, (x) => (x > 0 ? 1 : 0)).join('');
    const binary = await extractor(texts, { pooling: 'mean', quantize: true });
    expect(binary).toMatchObject({ type: 'int8', dims: [texts.length, C / 8] });
    expect(binary.data).toBeInstanceOf(Int8Array);
    expect(bits(binary.data, 128)).toBe(expected);
    const ubinary = await extractor(texts, { pooling: 'mean', quantize: true, precision: 'ubinary' });
    expect(ubinary).toMatchObject({ type: 'uint8', dims: [texts.length, C / 8] });
    expect(bits(ubinary.data, 0)).toBe(expected);
  });

  it('of no such kind, or of numbers that stay, are ARGUMENT', async () => {
    const wish = (options: object) => failureOf(() => extractor('a', options as FeatureExtractionOptions));
    expect(await wish({ quantize: true, precision: 'int4' })).toMatchObject({ code: 'ARGUMENT', culprit: 'precision' });
    expect(await wish({ precision: 'binary' })).toMatchObject({ code: 'ARGUMENT', culprit: 'precision' });
    expect(await wish({ quantize: 'yes' })).toMatchObject({ code: 'ARGUMENT', culprit: 'quantize' });
  });
});

describe('an option', () => {
  it.each([{ revision: 'main' }, { truncation: true }, { Pooling: 'mean' }])(
    'that heed does not have is UNSUPPORTED: %j',
    async (options) => {
      const error = await failureOf(() => extractor('a', options as FeatureExtractionOptions));
      expect(error).toMatchObject({ code: 'UNSUPPORTED', culprit: Object.keys(options)[0] });
    },
  );

  it.each(['median', 'MEAN', '', true, null, [], ['mean', 'none']])('pooling: %s is ARGUMENT', async (pooling) => {
    const error = await failureOf(() => extractor('a', { pooling } as FeatureExtractionOptions));
    expect(error).toMatchObject({ code: 'ARGUMENT', culprit: 'pooling' });
    expect(error.cure).toMatch(/none, mean, cls/);
  });

  it('onProgress hears of all texts, the last time of all of them', async () => {
    const many = Array.from({ length: 60 }, () => 'a long enough text to fill batches, so that there are a few');
    const heard: [number, number][] = [];
    await extractor(many, { onProgress: (done, total) => void heard.push([done, total]) });
    expect(heard.length).toBeGreaterThan(2);
    expect(heard.at(-1)).toEqual([60, 60]);
    expect(heard.every(([done], i) => done > (heard[i - 1]?.[0] ?? 0))).toBe(true);
  });
});

describe('signal', () => {
  const reason = { my: 'reason' };
  const many = Array.from({ length: 200 }, (_, i) => `text ${i} that takes a while among others`);

  it('that is aborted beforehand rejects with its reason, for no texts as well', async () => {
    for (const input of [many, 'a', []]) await expect(extractor(input, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  it('that is aborted between batches rejects with its reason and leaves the memory as it was', async () => {
    await extractor(many);
    const before = engine.memory();
    const controller = new AbortController();
    let heard = 0;
    const onProgress = () => {
      if (++heard === 2) controller.abort(reason);
    };
    await expect(extractor(many, { signal: controller.signal, onProgress })).rejects.toBe(reason);
    expect(heard).toBe(2);
    expect(engine.memory()).toMatchObject({ used: before.used, storages: before.storages });
  });
});

describe('bits, in deterministic mode', () => {
  const word = fc.string({ unit: fc.constantFrom(...'abcxyz19'), minLength: 1, maxLength: 6 });
  const text = fc.oneof(
    fc.constantFrom(...texts),
    fc.array(word, { maxLength: 20 }).map((words) => words.join(' ')),
  );

  it('are the same alone, in any batch, in any order, with 1, 2 and 4 threads', async () => {
    const others: FeatureExtractor[] = [];
    for (const threads of [1, 4]) {
      const own = await createEngine({ threads, deterministic: true, inlineBelow: 0 });
      others.push(await pipeline('feature-extraction', tinyPath, { engine: own }));
    }
    const alone = new Map<string, number[]>();
    await fc.assert(
      fc.asyncProperty(fc.array(text, { minLength: 1, maxLength: 40 }), async (list) => {
        for (const each of list) if (!alone.has(each)) alone.set(each, await one(each, { pooling: 'mean', normalize: true }));
        for (const run of [extractor, ...others]) {
          const out = await run(list, { pooling: 'mean', normalize: true });
          expect(rows(out)).toEqual(list.map((each) => alone.get(each)));
        }
      }),
      { numRuns: 25 },
    );
    for (const { model } of others) await model.engine.dispose();
  });
});

describe('a pipeline', () => {
  it('is right when it is called 64 times at once', async () => {
    const want = await Promise.all(texts.map((text) => one(text, { pooling: 'mean' })));
    const calls = await Promise.all(Array.from({ length: 64 }, (_, i) => one(texts[i % texts.length] as string, { pooling: 'mean' })));
    for (const [i, got] of calls.entries()) expect(got).toEqual(want[i % texts.length]);
  });

  it('gives its memory back when it is disposed of', async () => {
    const before = engine.memory();
    const second = await pipeline('feature-extraction', tinyPath, { engine });
    expect(engine.memory().used).toBeGreaterThan(before.used);
    second.dispose();
    expect(engine.memory()).toMatchObject({ used: before.used, storages: before.storages });
    expect(await one('a cat')).toEqual(await one('a cat'));
  });

  it('whose engine is disposed of while it runs fails with ENGINE_LOST', async () => {
    const own = await createEngine({ threads: 2, inlineBelow: 0 });
    const lost = await pipeline('feature-extraction', tinyPath, { engine: own });
    const error = await failureOf(() =>
      lost(
        Array.from({ length: 100 }, () => 'a text'),
        { onProgress: () => void own.dispose() },
      ),
    );
    expect(error.code).toBe('ENGINE_LOST');
    expect((await failureOf(() => lost('a'))).code).toBe('ENGINE_LOST');
  });

  it('without an engine of its own shares one with all others', async () => {
    const [a, b] = await Promise.all([pipeline('feature-extraction', tinyPath), AutoModel.from_pretrained(tinyPath)]);
    expect(a.model.engine).toBe(b.engine);
    expect(a.model.engine).not.toBe(engine);
    await a.model.engine.dispose();
  });

  it.each(['image-to-text', 'toString', ''])('for a task that there is not is UNSUPPORTED: %j', async (task) => {
    expect(await failureOf(() => pipeline(task as 'feature-extraction', tinyPath, { engine }))).toMatchObject({
      code: 'UNSUPPORTED',
      culprit: 'task',
    });
  });
});
