/** A thread of the engine that dies in the middle of a step: what ran gets 503, and the next request starts another engine with threads of its own. */
import { syncBuiltinESMExports } from 'node:module';
import threads from 'node:worker_threads';
import { afterAll, expect, it } from 'vitest';
import { slot } from '../../dist/engine/control.js';
import { endless, longWriter, metricOf, post, serve } from './serving.js';

/** A thread that rests until it is told to, then takes a part of a step, and ends with it. */
const program = `
const { parentPort, workerData } = require('node:worker_threads');
const { memory, control, next, told } = workerData;
const slots = new Int32Array(memory.buffer, control);
parentPort.postMessage('ready');
Atomics.wait(told, 0, 0);
while (!(Atomics.load(slots, next) > 0 && Atomics.sub(slots, next, 1) > 0));
process.exit(1);`;

const told = new Int32Array(new SharedArrayBuffer(4));
const { Worker } = threads;
let started = 0;
threads.Worker = class extends Worker {
  constructor(...[file, options = {}]: ConstructorParameters<typeof Worker>) {
    const { memory, control } = options.workerData as { memory: WebAssembly.Memory; control: number };
    const isFirst = started++ === 0;
    super(isFirst ? program : file, isFirst ? { eval: true, workerData: { memory, control, next: slot.next, told } } : options);
  }
};
syncBuiltinESMExports();
afterAll(() => {
  threads.Worker = Worker;
  syncBuiltinESMExports();
});

it('fails what it worked on alone', async () => {
  // On a busy machine a thread that lives may be without a core for a while.
  const engine = { threads: 2, deterministic: true, inlineBelow: 0, deadline: 2000 };
  const server = await serve({ models: { writer: { source: longWriter } }, engine });
  expect(started).toBe(1);
  const messages = [{ role: 'user', content: 'Hi' }];
  const ask = async (more: object) => {
    const answer = await post(server, '/v1/chat/completions', { model: 'writer', temperature: 0, max_tokens: 8, messages, ...more });
    return { status: answer.status, text: await answer.text() };
  };
  const said = ({ text }: { text: string }) => JSON.parse(text).choices;
  const before = said(await ask({}));
  const running = [ask(endless), ask({ ...endless, stream: true })];
  await expect.poll(() => metricOf(server, 'heed_places_taken{model="writer"}')).toBe(2);
  Atomics.store(told, 0, 1);
  Atomics.notify(told, 0);
  for (const { text } of await Promise.all(running)) expect(text.trim().split('\n\n').at(-1)).toContain('"type":"server_error"');
  expect(said(await ask({}))).toEqual(before);
  expect(started).toBe(2);
  expect(server.log.flatMap(({ model, status }) => (model ? [status] : []))).toEqual([200, 503, 503, 200]);
  await server.close();
});
