/** Names of tasks: aliases, those that there are not, the models that tasks have where none is asked for; and what holds for all of them. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, expectTypeOf, it, vi } from 'vitest';
import {
  type Answer,
  type Classification,
  type EntityGroup,
  type EntityToken,
  type HostTensor,
  type PretrainedOptions,
  pipeline,
  type Tasks,
} from '../../dist/entry/node.js';
import { defaultModelOf, taskOf } from '../../dist/pipelines/tasks.js';
import { failureOf } from '../io/memory.js';
import { tiny } from './tiny.js';

const names = [
  ...['feature-extraction', 'text-classification', 'token-classification', 'question-answering', 'zero-shot-classification', 'fill-mask'],
  ...['text-generation', 'translation', 'summarization', 'text2text-generation'],
];

afterEach(() => vi.restoreAllMocks());

describe('a task', () => {
  it.each([
    ['sentiment-analysis', 'text-classification'],
    ['embeddings', 'feature-extraction'],
    ['ner', 'token-classification'],
  ])('%s is %s', (alias, name) => expect(taskOf(alias)).toBe(taskOf(name)));

  it('that there is not is UNSUPPORTED, and the error lists those that there are', async () => {
    const { code, cure } = await failureOf(() => pipeline('image-to-text' as never));
    expect(code).toBe('UNSUPPORTED');
    for (const name of names) expect(cure).toContain(name);
  });
});

describe('the model that a task has where none is asked for', () => {
  it.each(names)('of %s is a repository of the hub, which the console says once', (task) => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const id = taskOf(task).model as string;
    expect(id).toMatch(/^[\w.-]+\/[\w.-]+(@[0-9a-f]{40})?$/);
    expect(defaultModelOf(task)).toBe(id);
    defaultModelOf(task);
    expect(warn.mock.calls).toEqual([[expect.stringContaining(id)]]);
  });

  it('is loaded as any other is, and the console says which', async () => {
    const signal = AbortSignal.abort('not now');
    for (const model of [undefined, null])
      await expect(pipeline('fill-mask', model, { signal } as PretrainedOptions)).rejects.toBe('not now');
  });
});

describe('a pipeline that is there', () => {
  type Kind = Parameters<typeof tiny>[0];
  it.each<[keyof Tasks, Kind, readonly string[]]>([
    ['feature-extraction', 'mlm', ['a b']],
    ['text-classification', 'classify', ['a b']],
    ['zero-shot-classification', 'classify', ['a b', 'c']],
    ['token-classification', 'ner', ['a b']],
    ['question-answering', 'qa', ['a?', 'b']],
    ['fill-mask', 'mlm', ['a [MASK]']],
  ])('needs its files no more: %s', async (task, kind, given) => {
    const folder = mkdtempSync(join(tmpdir(), 'heed-'));
    cpSync(tiny(kind), folder, { recursive: true });
    const made = await pipeline(task, folder, { engine: { threads: 1 } });
    rmSync(folder, { recursive: true });
    expect(await (made as (...given: readonly string[]) => Promise<unknown>)(...given)).toBeDefined();
    made.dispose();
  });

  it('of a folder without a tokenizer there is none', async () => {
    const folder = fileURLToPath(new URL('../fixtures/hf/bert_classify', import.meta.url));
    expect(await failureOf(() => pipeline('text-classification', folder))).toMatchObject({ code: 'NOT_FOUND' });
  });
});

it('what a call gives has the type that its arguments ask for', () => {
  type Given<Call extends (...given: never[]) => Promise<unknown>> = Awaited<ReturnType<Call>>;
  const uses = {
    label: (classify: Tasks['text-classification']) => classify('x'),
    labels: (classify: Tasks['text-classification']) => classify(['x'], { top_k: null }),
    one: (classify: Tasks['text-classification']) => classify(['x'], { onProgress: (done) => done.toFixed() }),
    tokens: (recognize: Tasks['ner']) => recognize('x'),
    groups: (recognize: Tasks['ner']) => recognize(['x'], { aggregation_strategy: 'max' }),
    answer: (ask: Tasks['question-answering']) => ask('x', 'y', { doc_stride: 3 }),
    answers: (ask: Tasks['question-answering']) => ask(['x'], 'y', { top_k: 3 }),
    bits: (extract: Tasks['feature-extraction']) => extract('x', { quantize: true }),
  };
  expectTypeOf<Given<typeof uses.label>>().toEqualTypeOf<Classification[]>();
  expectTypeOf<Given<typeof uses.labels>>().toEqualTypeOf<Classification[][]>();
  expectTypeOf<Given<typeof uses.one>>().toEqualTypeOf<Classification[]>();
  expectTypeOf<Given<typeof uses.tokens>>().toEqualTypeOf<EntityToken[]>();
  expectTypeOf<Given<typeof uses.groups>>().toEqualTypeOf<EntityGroup[][]>();
  expectTypeOf<Given<typeof uses.answer>>().toEqualTypeOf<Answer>();
  expectTypeOf<Given<typeof uses.answers>>().toEqualTypeOf<Answer[][]>();
  expectTypeOf<Given<typeof uses.bits>>().toEqualTypeOf<HostTensor<Int8Array> | HostTensor<Uint8Array>>();
});
