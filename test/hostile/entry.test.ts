/** What everybody calls, with wrong things in every place: engines, models, tokenizers, and calls of each. */
import { afterAll, describe, expect, it } from 'vitest';
import { AutoModel, AutoTokenizer, bert, createEngine, HeedError, pipeline, registerArchitecture, tensor } from '../../dist/entry/node.js';
import { tinyPath } from '../models/files.js';
import { type Call, changed, strange } from './calls.js';

const engine = await createEngine({ threads: 1 });
afterAll(() => engine.dispose());
const [model, tokenizer, extractor] = await Promise.all([
  AutoModel.from_pretrained(tinyPath, { engine }),
  AutoTokenizer.from_pretrained(tinyPath),
  pipeline('feature-extraction', tinyPath, { engine }),
]);

const { signal } = new AbortController();
const ids = [[2, 5, 3]];
const call = (name: string, run: Call['run'], ...args: unknown[]): Call => ({ name, run, args });
const calls: readonly Call[] = [
  call('createEngine', createEngine as Call['run'], {
    threads: 1,
    deterministic: true,
    memory: { maximum: 1 << 21 },
    module: undefined,
    signal,
    startTimeout: 9,
    deadline: 9,
    inlineBelow: 9,
  }),
  call('createEngine: memory', (memory) => createEngine({ threads: 1, memory }), { maximum: 1 << 21 }),
  call(
    'engine.run',
    (...args) => engine.run(...(args as unknown as Parameters<typeof engine.run>)),
    function* () {},
    signal,
  ),
  call('model', model as unknown as Call['run'], { input_ids: ids, attention_mask: ids, token_type_ids: [[0, 1, 0]] }),
  call('model: options', (options) => model({ input_ids: ids }, options), { signal }),
  call('AutoModel.from_pretrained', AutoModel.from_pretrained as Call['run'], tinyPath, {
    engine,
    device: 'wasm',
    dtype: 'fp32',
    progress_callback: () => {},
    signal,
  }),
  call('AutoTokenizer.from_pretrained', AutoTokenizer.from_pretrained as Call['run'], tinyPath, { signal }),
  call('tokenizer', tokenizer as unknown as Call['run'], ['a', 'b'], {
    text_pair: ['c', 'd'],
    add_special_tokens: true,
    truncation: true,
    max_length: 9,
    padding: 'max_length',
  }),
  call('tokenizer.encode', (...args) => tokenizer.encode(...(args as unknown as [string])), 'a', {
    text_pair: 'b',
    add_special_tokens: true,
    truncation: true,
    max_length: 9,
  }),
  call('tokenizer.tokenize', (...args) => tokenizer.tokenize(...(args as unknown as [string])), 'a', { add_special_tokens: true }),
  call('tokenizer.decode', (...args) => tokenizer.decode(...(args as unknown as [number[]])), [2, 5, 3], {
    skip_special_tokens: true,
    clean_up_tokenization_spaces: true,
  }),
  call('tokenizer.batch_decode', (...args) => tokenizer.batch_decode(...(args as unknown as [number[][]])), ids, {
    skip_special_tokens: true,
  }),
  call('tokenizer.token_to_id', (token) => tokenizer.token_to_id(token), 'a'),
  call('tokenizer.id_to_token', (id) => tokenizer.id_to_token(id), 5),
  call('pipeline', pipeline as unknown as Call['run'], 'feature-extraction', tinyPath, { engine, signal }),
  call('extractor', extractor as unknown as Call['run'], 'a', {
    pooling: 'mean',
    normalize: true,
    max_length: 9,
    signal,
    onProgress: () => {},
  }),
  call(
    'tensor',
    (...args) => engine.scope(() => void tensor(...(args as unknown as Parameters<typeof tensor>))),
    engine,
    [[1, 2]],
    [1, 2],
    'float32',
  ),
  call('registerArchitecture', registerArchitecture as Call['run'], { ...bert, name: 'mine' }),
];

/** Frees what a call gave. */
const dispose = async (result: unknown): Promise<void> => {
  const { dispose } = Object((await result) ?? {}) as { dispose?: () => unknown };
  if (typeof dispose === 'function') await (await (result as Promise<{ dispose(): unknown }>)).dispose();
};

describe('a call that everybody makes', () => {
  it.each(calls)('$name takes what it should', async ({ args, run }) => {
    await dispose(await run(...(args as never[])));
  });

  it.each(calls)('$name refuses what it cannot take', async ({ args, run }) => {
    const before = engine.memory().storages;
    const complaints: string[] = [];
    for (const wrong of changed(
      args,
      strange.filter((value) => value !== 2 ** 31),
    )) {
      try {
        await dispose(run(...(wrong as never[])));
      } catch (error) {
        if (!(error instanceof HeedError)) complaints.push(error instanceof Error ? (error.stack ?? String(error)) : String(error));
        else if (!error.culprit) complaints.push(`no culprit: ${error.message}`);
      }
    }
    expect(complaints).toEqual([]);
    expect(engine.memory().storages).toBe(before);
  });
});
