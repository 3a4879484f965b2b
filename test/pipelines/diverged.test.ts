/** What a model says whose weights have become NaNs is no answer: every task refuses it, by the model's name. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { AutoModelForSequenceClassification, createEngine, type Engine, pipeline } from '../../dist/entry/node.js';
import { failureOf } from '../io/memory.js';
import { tiny } from './tiny.js';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ threads: 1 });
});
afterAll(() => engine.dispose());

interface Diverging {
  encoder: { namedParameters(): Iterable<[string, { value: { ptr: number; size: number } }]> };
}

/** As a training at much too high a rate leaves it. */
function diverge({ encoder }: Diverging): void {
  for (const [name, parameter] of encoder.namedParameters())
    if (/norm/i.test(name)) engine.heap.floats(parameter.value.ptr, parameter.value.size).fill(Number.NaN);
}

it.each([
  ['text-classification', 'classify', ['x']],
  ['zero-shot-classification', 'classify', ['x', ['a', 'b']]],
  ['zero-shot-classification', 'classify', ['x', ['a', 'b'], { multi_label: true }]],
  ['token-classification', 'ner', ['x']],
  ['token-classification', 'ner', ['x', { aggregation_strategy: 'simple' }]],
  ['question-answering', 'qa', ['Who?', 'Jim lives in Paris.']],
  ['fill-mask', 'mlm', ['[MASK]']],
  ['fill-mask', 'mlm', ['[MASK]', { targets: ['x'] }]],
  ['feature-extraction', 'mlm', ['x']],
  ['feature-extraction', 'mlm', ['x', { pooling: 'mean', normalize: true }]],
  ['feature-extraction', 'mlm', ['x', { pooling: 'cls', quantize: true }]],
] as const)('%s', async (task, folder, args) => {
  const pipe = (await pipeline(task, tiny(folder), { engine })) as unknown as ((...args: unknown[]) => Promise<unknown>) & {
    model: Diverging;
    dispose(): void;
  };
  await pipe(...args);
  diverge(pipe.model);
  const { storages } = engine.memory();
  const error = await failureOf(() => pipe(...args));
  expect(error).toMatchObject({ code: 'NUMERIC' });
  expect(error.message).toContain(tiny(folder));
  expect(engine.memory().storages).toBe(storages);
  pipe.dispose();
});

it.each(['softmax', 'sigmoid', 'none'] as const)('classify, %s', async (function_to_apply) => {
  const model = await AutoModelForSequenceClassification.from_pretrained(tiny('classify'), { engine });
  diverge(model);
  const error = await failureOf(() => model.classify(['x', 'y'], { function_to_apply, top_k: 2 }));
  expect(error).toMatchObject({ code: 'NUMERIC', culprit: 'logits' });
  expect(error.message).toContain(tiny('classify'));
  model.dispose();
});
