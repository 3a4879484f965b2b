/** A classifier of pictures learns by the Trainer, as one of texts does, and is saved with what it has learned. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { AutoModelForImageClassification, createEngine } from '../../dist/entry/node.js';
import { AdamW, DataLoader, imageClassification, Trainer } from '../../dist/train/index.js';

const vit = fileURLToPath(new URL('../fixtures/vision/vit', import.meta.url));

/** Grey pictures of 24 × 24 pixels, one quarter of which is bright. */
const pictures = (count: number, seed: number) =>
  Array.from({ length: count }, (_, i) => {
    const label = i % 4;
    let state = Math.imul(i + seed + 1, 2654435761);
    const noise = () => {
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      return state / 2 ** 33;
    };
    const bright = (p: number) => Number(Math.floor((p % 576) / 288) * 2 + Math.floor((p % 24) / 12) === label);
    return { label, pixels: Float32Array.from({ length: 3 * 576 }, (_, p) => bright(p) + noise()) };
  });

/** Those of a batch, one after the other. */
const collate = (batch: readonly ReturnType<typeof pictures>[number][]) => {
  const data = new Float32Array(batch.length * 3 * 576);
  for (const [i, { pixels }] of batch.entries()) data.set(pixels, i * pixels.length);
  return { pixels: { data, dims: [batch.length, 3, 24, 24] }, labels: Int32Array.from(batch, ({ label }) => label) };
};

it('tells where a picture is bright', async () => {
  const engine = await createEngine({ threads: 1, deterministic: true });
  const names = ['upper left', 'upper right', 'lower left', 'lower right'];
  const model = await AutoModelForImageClassification.from_pretrained(vit, { engine, trainable: true, id2label: names });
  const loader = new DataLoader(pictures(400, 0), { batchSize: 8, shuffle: true, collate });
  const validation = new DataLoader(pictures(16, 1000), { batchSize: 16, collate });
  const optimizer = new AdamW(model.encoder.namedParameters(), { lr: 2e-3 });
  const trainer = new Trainer(model.encoder, { objective: imageClassification(), optimizer, loader, validation });
  const before = await trainer.evaluate();
  await trainer.fit({ epochs: 8 });
  const after = await trainer.evaluate();
  expect(before.accuracy).toBeLessThan(0.9);
  expect(after.accuracy).toBe(1);
  const folder = mkdtempSync(join(tmpdir(), 'heed-'));
  await model.save_pretrained(folder);
  const again = await AutoModelForImageClassification.from_pretrained(folder, { engine });
  expect(again.labels).toEqual(names);
  const { pixels, labels } = collate(pictures(4, 77));
  const { logits } = await again({ pixel_values: pixels });
  const said = (logits.tolist() as number[][]).map((row) => row.indexOf(Math.max(...row)));
  expect(said).toEqual([...labels]);
  rmSync(folder, { recursive: true });
  await engine.dispose();
});
