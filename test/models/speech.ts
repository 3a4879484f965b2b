/** What holds of every model that hears and writes. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { AutoModelForSeq2SeqLM, AutoModelForSpeechSeq2Seq, type Engine, estimate, type SpeechInputs } from '../../dist/entry/node.js';
import type { PretrainedDtype } from '../../dist/models/quantization.js';
import { readWeights } from './files.js';

/** Saved in each of these formats and read again, a model gives the bits of one that was rounded when it was loaded; scores are apart by so large a share at most. */
export async function expectSaved(folder: string, engine: Engine, inputs: SpeechInputs, shares: Partial<Record<PretrainedDtype, number>>) {
  const model = await AutoModelForSpeechSeq2Seq.from_pretrained(folder, { engine });
  const exact = (await model(inputs)).logits.data as Float32Array;
  const most = exact.reduce((all, x) => Math.max(all, Math.abs(x)), 0);
  const path = mkdtempSync(join(tmpdir(), 'heed-speech-'));
  try {
    for (const [dtype, share] of Object.entries(shares) as [PretrainedDtype, number][]) {
      await model.save_pretrained(path, { dtype });
      const saved = await AutoModelForSpeechSeq2Seq.from_pretrained(path, { engine });
      const rounded = await AutoModelForSpeechSeq2Seq.from_pretrained(folder, { engine, dtype });
      const [one, other] = [(await saved(inputs)).logits.data, (await rounded(inputs)).logits.data] as [Float32Array, Float32Array];
      expect(one, dtype).toEqual(other);
      expect(Math.max(...one.map((x, i) => Math.abs(x - (exact[i] as number)))) / most, dtype).toBeLessThanOrEqual(share);
      saved.dispose();
      rounded.dispose();
    }
  } finally {
    rmSync(path, { recursive: true });
    model.dispose();
  }
}

/** All numbers of the checkpoint are the model's, and it is no translator. */
export async function expectKnown(folder: string, engine: Engine, architecture: string): Promise<void> {
  const files = readWeights(readFileSync(join(folder, 'model.safetensors')));
  const parameters = Object.values(files).reduce((sum, { shape }) => sum + shape.reduce((n, d) => n * d, 1), 0);
  const found = await estimate(folder, { dtype: 'q8' });
  expect(found).toMatchObject({ architecture, parameters });
  expect(found.activations).toBeGreaterThan(0);
  await expect(AutoModelForSeq2SeqLM.from_pretrained(folder, { engine })).rejects.toMatchObject({
    code: 'UNSUPPORTED',
    cure: 'Use AutoModelForSpeechSeq2Seq',
  });
}
