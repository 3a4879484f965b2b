/** Every task, and what compares embeddings, called with wrong things in every place: a HeedError that names a culprit, or an answer; never a raw error, and nothing left behind. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  cos_sim,
  createEngine,
  dot,
  type Engine,
  HeedError,
  magnitude,
  pipeline,
  semantic_search,
  type Tasks,
} from '../../dist/entry/node.js';
import { tinyPath } from '../models/files.js';
import { tiny } from '../pipelines/tiny.js';
import { changed } from './calls.js';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ threads: 1, memory: { maximum: 64 << 20 } });
});
afterAll(() => engine.dispose());

/** What is wrong with an error: undefined for a HeedError that says whose fault it is. */
function complaint(error: unknown): string | undefined {
  if (!(error instanceof HeedError)) return error instanceof Error ? (error.stack ?? String(error)) : String(error);
  return error.culprit ? undefined : `no culprit: ${error.message}`;
}

const run = { signal: new AbortController().signal, onProgress: () => {} };
const tasks: readonly (readonly [task: keyof Tasks, model: string, args: readonly unknown[]])[] = [
  [
    ...(['feature-extraction', tinyPath] as const),
    [['a', 'b'], { pooling: 'mean', normalize: true, quantize: true, precision: 'binary', max_length: 9, ...run }],
  ],
  ['text-classification', tiny('classify'), [['a', 'b'], { top_k: 2, function_to_apply: 'sigmoid', max_length: 9, ...run }]],
  ['text-classification', tiny('classify'), [{ text: 'a', text_pair: 'b' }, { top_k: null }]],
  [
    ...(['zero-shot-classification', tiny('classify')] as const),
    [['a'], ['b', 'c'], { hypothesis_template: 'is {}', multi_label: true, max_length: 20, ...run }],
  ],
  [
    ...(['token-classification', tiny('ner')] as const),
    [['Sarah'], { aggregation_strategy: 'first', ignore_labels: ['O'], stride: 2, max_length: 9, ...run }],
  ],
  [
    ...(['question-answering', tiny('qa')] as const),
    [
      ['Who?'],
      ['Jim was'],
      {
        ...{ top_k: 2, doc_stride: 1, max_seq_len: 20, max_answer_len: 3 },
        ...{ handle_impossible_answer: true, align_to_words: true, ...run },
      },
    ],
  ],
  ['fill-mask', tiny('mlm'), [['a [MASK]'], { top_k: 2, targets: ['the', 'a'], max_length: 9, ...run }]],
];

describe('a task', () => {
  it.each(tasks)('%s answers what it should, and refuses what it cannot take', async (task, model, args) => {
    const pipe = await pipeline(task, model, { engine });
    const call = pipe as unknown as (...given: unknown[]) => Promise<unknown>;
    await call(...args);
    const before = engine.memory().storages;
    const complaints: string[] = [];
    for (const wrong of changed(args)) {
      try {
        await call(...wrong);
      } catch (error) {
        const text = complaint(error);
        if (text) complaints.push(text);
      }
    }
    expect(complaints).toEqual([]);
    expect(engine.memory().storages).toBe(before);
    pipe.dispose();
  });
});

describe('a comparison', () => {
  const rows = { data: Float32Array.of(1, 2, 3, 4), dims: [2, 2] };
  const calls: readonly (readonly [name: string, run: (...given: never[]) => unknown, args: readonly unknown[]])[] = [
    ['cos_sim', cos_sim, [[1, 2], Float32Array.of(3, 4)]],
    [
      'dot',
      dot,
      [
        [1, 2],
        [3, 4],
      ],
    ],
    ['magnitude', magnitude, [[1, 2]]],
    ['semantic_search', semantic_search, [[[1, 2]], rows, { top_k: 1, score_function: 'dot' }]],
  ];

  it.each(calls)('%s answers what it should, and refuses what it cannot take', (_, compare, args) => {
    compare(...(args as never[]));
    const complaints: string[] = [];
    for (const wrong of changed(args)) {
      try {
        compare(...(wrong as never[]));
      } catch (error) {
        const text = complaint(error);
        if (text) complaints.push(text);
      }
    }
    expect(complaints).toEqual([]);
  });
});
