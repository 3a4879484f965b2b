/** One very long text: the event loop has its turns while it is tokenized and run, and an abort is heard in them. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Engine } from '../../dist/engine/engine.js';
import { pipeline } from '../../dist/entry/node.js';
import { nodeRuntime } from '../../dist/runtime/node.js';
import { tiny } from './tiny.js';

let engine: Engine;
/** What is done in a turn of the event loop. */
let turn = (): void => {};
beforeAll(async () => {
  const pause = async () => {
    await nodeRuntime.pause();
    turn();
  };
  engine = await Engine.create({ ...nodeRuntime, pause }, { threads: 1 });
});
afterAll(() => engine.dispose());

const text = 'Anna met Paul in Berlin; it rained. '.repeat(80_000); // 3 MB

it.each(['ner', 'question-answering'] as const)('%s gives up in the middle of it', async (task) => {
  const pipe = await pipeline(task, tiny(task === 'ner' ? 'ner' : 'qa'), { engine });
  const controller = new AbortController();
  const reason = new Error('enough');
  let turns = 0;
  turn = () => {
    if (++turns === 4) controller.abort(reason);
  };
  const { signal } = controller;
  const call =
    task === 'ner'
      ? (pipe as Awaited<ReturnType<typeof pipeline<'ner'>>>)(text, { aggregation_strategy: 'simple', stride: 4, signal })
      : (pipe as Awaited<ReturnType<typeof pipeline<'question-answering'>>>)('Who?', text, { signal });
  await expect(call).rejects.toBe(reason);
  expect(turns).toBe(4);
  turn = () => {};
  pipe.dispose();
});

it('is read no further than it is kept', async () => {
  const classify = await pipeline('text-classification', tiny('classify'), { engine });
  expect(await classify(text)).toEqual(await classify(text.slice(0, 20_000)));
  classify.dispose();
});
