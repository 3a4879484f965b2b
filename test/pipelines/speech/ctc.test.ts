/** pipeline('automatic-speech-recognition') with wav2vec 2.0: texts, words and letters are those of transformers' pipeline; pieces are put together at their places. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEngine, type Engine, pipeline } from '../../../dist/entry/node.js';

const folder = fileURLToPath(new URL('../../fixtures/ctc', import.meta.url));
let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ threads: 1, deterministic: true });
});
afterAll(() => engine.dispose());

describe.each(['group', 'layer'])('a sound, norms of the kind %s', (name) => {
  const told = JSON.parse(readFileSync(join(folder, name, 'told.json'), 'utf8'));
  const samples = Float32Array.from(told.samples as number[]);
  const load = () => pipeline('automatic-speech-recognition', join(folder, name), { engine });

  it('is what transformers hears', async () => {
    const recognize = await load();
    for (const kind of ['word', 'char'] as const) expect(await recognize(samples, { return_timestamps: kind })).toEqual(told[kind]);
    expect(told.char.chunks.length).toBeGreaterThan(3);
    expect(await recognize([samples, samples])).toEqual([{ text: told.word.text }, { text: told.word.text }]);
    expect(await recognize(samples, { return_timestamps: true })).toEqual(told.word);
    recognize.dispose();
  });

  it('is heard in pieces, whose letters stand where they are in it, and tells how far it is', async () => {
    const recognize = await load();
    const seen: number[] = [];
    const options = { chunk_length_s: 0.02, stride_length_s: 0.005, return_timestamps: 'char' } as const;
    const { chunks = [] } = await recognize(samples, { ...options, onProgress: (done) => seen.push(done) });
    expect(seen.length).toBeGreaterThan(1);
    expect(seen.at(-1)).toBe(400);
    for (const [i, { timestamp }] of chunks.entries()) expect(timestamp[0]).toBeGreaterThanOrEqual(chunks[i - 1]?.timestamp[1] ?? 0);
    expect(chunks.at(-1)?.timestamp[1]).toBeLessThanOrEqual(19 * (20 / 16_000));
    recognize.dispose();
  });

  it('refuses what such a model does not have, by name', async () => {
    const recognize = await load();
    await expect(recognize(samples, { language: 'de' })).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    await expect(recognize(samples, { num_beams: 2 })).rejects.toMatchObject({ code: 'ARGUMENT', culprit: 'num_beams' });
    await expect(recognize(samples, { return_timestamps: 'line' as never })).rejects.toMatchObject({ culprit: 'return_timestamps' });
    await expect(recognize(new Float32Array(20))).rejects.toMatchObject({ code: 'ARGUMENT', culprit: 'input_values' });
    recognize.dispose();
  });
});
