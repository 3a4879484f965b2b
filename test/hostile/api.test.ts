/** Every public function, called with wrong things in every place: a HeedError that names a culprit, or an answer; never a raw error. */
import { afterAll, describe, expect, it } from 'vitest';
import { createEngine, HeedError } from '../../dist/entry/node.js';
import { callsOf, changed, strange, tensorsOn } from './calls.js';

const engine = await createEngine({ threads: 1, memory: { maximum: 64 << 20 } });
const other = await createEngine({ threads: 1 });
afterAll(() => Promise.all([engine.dispose(), other.dispose()]));

/** What was thrown, if it is no HeedError with a culprit and a message that can be read. */
function complaint(error: unknown): string | undefined {
  if (!(error instanceof HeedError)) return error instanceof Error ? (error.stack ?? String(error)) : String(error);
  if (!error.culprit) return `no culprit: ${error.code}, ${error.message}`;
  return error.message.length > 1000 ? `a message of ${error.message.length} characters: ${error.message.slice(0, 80)}` : undefined;
}

const tensors = tensorsOn(engine);
const calls = callsOf(tensors);
const values = [...strange, ...tensors.odd, tensorsOn(other).floats(2, 4)];

describe('a function of heed/ops or heed/nn', () => {
  it.each(calls)('$name takes what it should', ({ args, run }) => {
    engine.scope(() => void run(...(args as never[])));
  });

  it.each(calls)('$name refuses what it cannot take', ({ args, run }) => {
    const before = engine.memory();
    const complaints: string[] = [];
    for (const wrong of changed(args, values)) {
      try {
        engine.scope(() => void run(...(wrong as never[])));
      } catch (error) {
        const text = complaint(error);
        if (text) complaints.push(text);
      }
    }
    expect(complaints).toEqual([]);
    expect(engine.memory().storages).toBeLessThanOrEqual(before.storages + 1); // scratch
  });
});
