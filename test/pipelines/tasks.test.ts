/** Names of tasks: aliases, those that there are not, and the models that tasks have where none is asked for. */
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

const names = [
  ...['feature-extraction', 'text-classification', 'token-classification', 'question-answering', 'zero-shot-classification', 'fill-mask'],
  ...['translation', 'summarization', 'text2text-generation'],
];

afterEach(() => vi.restoreAllMocks());

describe('a task', () => {
  it.each([
    ['sentiment-analysis', 'text-classification'],
    ['embeddings', 'feature-extraction'],
    ['ner', 'token-classification'],
  ])('%s is %s', (alias, name) => expect(taskOf(alias)).toBe(taskOf(name)));

  it('that there is not is UNSUPPORTED, and the error lists those that there are', async () => {
    const { code, cure } = await failureOf(() => pipeline('text-generation' as never));
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
