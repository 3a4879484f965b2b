/** Encoders of pictures in training: PyTorch's loss and gradients, derivatives of every parameter, and stochastic depth. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createEngine } from '../../dist/entry/node.js';
import { crossEntropy, valueAndGrad } from '../../dist/ops/index.js';
import { type HostTensor, tensor } from '../../dist/tensor.js';
import { SGD } from '../../dist/train/index.js';
import { expectDerivatives } from './derivatives.js';
import { numbersOf, readWeights, type Weight } from './files.js';
import { cases, folder, host, json, load, tensors } from './vision.js';

describe('gradients', () => {
  it.each(['vit', 'deit', 'dinov2', 'clip', 'siglip'])('and the loss of a step of %s are PyTorch’s', async (kind) => {
    const name = `${kind}_classify`;
    const engine = await createEngine({ threads: 2, deterministic: true, inlineBelow: 0 });
    const model = await load(name, join(folder, name), { engine, trainable: true });
    const { encoder } = model;
    const { pixels, loss, ...gradients } = tensors(name, 'step') as Record<string, Weight>;
    const { bytes, shape } = pixels as Weight;
    const read = tensor(
      engine,
      Float32Array.from(bytes, (byte) => byte / 255),
      shape,
    );
    const got = valueAndGrad(engine, () => crossEntropy(encoder.forward(read), tensor(engine, Int32Array.of(1, 2))));
    expect(got).toBeCloseTo(numbersOf(loss as Weight)[0] as number, 5);
    // A step down the gradients themselves puts them into the checkpoint, under the names that it has.
    new SGD(encoder.namedParameters(), { lr: 1 }).step();
    const out = mkdtempSync(join(tmpdir(), 'heed-'));
    await model.save_pretrained(out);
    const after = readWeights(readFileSync(join(out, 'model.safetensors')));
    const before = tensors(name, 'model');
    // What the file has beside, the loss does not depend on.
    for (const key of Object.keys(gradients).filter((key) => !(key in after)))
      expect(
        numbersOf(gradients[key] as Weight).every((x) => x === 0),
        key,
      ).toBe(true);
    expect(Object.keys(after).length).toBeGreaterThan(30);
    for (const key of Object.keys(after)) {
      const [from, to] = [numbersOf(before[key] as Weight), numbersOf(after[key] as Weight)];
      for (const [i, want] of numbersOf(gradients[key] as Weight).entries())
        expect(Math.abs((from[i] as number) - (to[i] as number) - want), key).toBeLessThan(1e-5);
    }
    rmSync(out, { recursive: true });
    await engine.dispose();
  });

  it.each(['dinov2', 'dinov3_vit'])('of %s: drop_path_rate leaves whole sublayers of a picture out, in training alone', async (name) => {
    const files = Object.fromEntries(['config.json', 'model.safetensors'].map((file) => [file, readFileSync(join(folder, name, file))]));
    const at = async (drop_path_rate: number) => {
      const engine = await createEngine({ threads: 1, deterministic: true });
      const config = new TextEncoder().encode(JSON.stringify({ ...json(name), drop_path_rate }));
      const model = await load(name, { ...files, 'config.json': config }, { engine, trainable: true });
      const x = host(tensors(name).pixel_values as Weight);
      const forward = (step: number) => {
        model.encoder.train({ seed: 3, step });
        return engine.scope(() =>
          Array.from(model.encoder.forward(tensor(engine, x.data as Float32Array, x.dims)).toHost().data as Float32Array),
        );
      };
      const steps = [1, 1, 2, 3, 4].map(forward);
      const { last_hidden_state } = (await model({ pixel_values: x })) as Record<string, HostTensor>;
      await engine.dispose();
      return { steps, inferred: Array.from(last_hidden_state?.data as Float32Array) };
    };
    const [none, half, all] = [await at(0), await at(0.5), await at(1)];
    expect(none.steps[2]).toEqual(none.inferred);
    expect(half.inferred).toEqual(none.inferred);
    expect(half.steps[0]).toEqual(half.steps[1]);
    expect(new Set(half.steps.map(String)).size).toBeGreaterThan(2);
    // Without any sublayer the states are those of the stem, whatever the step.
    expect(new Set(all.steps.map(String)).size).toBe(1);
    expect(all.steps[0]).not.toEqual(none.inferred);
  });

  it.each(cases.filter((name) => /_(classify|teacher)$/.test(name)))('of %s are the derivatives of its loss', async (name) => {
    const engine = await createEngine({ threads: 1, deterministic: true });
    const { encoder } = await load(name, join(folder, name), { engine, trainable: true });
    const { wide } = { wide: host(tensors(name)['wide.pixel_values'] as Weight) };
    const lossTensor = () => {
      const y = encoder.forward(tensor(engine, wide.data as Float32Array, wide.dims));
      return crossEntropy(y, tensor(engine, Int32Array.of(1)));
    };
    expectDerivatives(engine, encoder.namedParameters(), lossTensor);
    await engine.dispose();
  });
});
