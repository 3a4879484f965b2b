/** PyTorch's gradients of every parameter and input of attention, layers and the Transformer; the families are test/runtimes/torch-nn.ts's. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { engineFor, variants } from '../ops/engines.js';
import { parseSafetensors } from '../runtimes/fixtures.js';
import { compare } from '../runtimes/torch.js';
import type { About } from '../runtimes/torch-ops.js';

const folder = fileURLToPath(new URL('../fixtures/torch', import.meta.url));
const cases: Record<string, About> = JSON.parse(readFileSync(join(folder, 'cases.json'), 'utf8')).cases;
const names = readdirSync(folder)
  .map((file) => file.replace('.safetensors', ''))
  .filter((name) => /^(mha|encoder_layer|decoder_layer|transformer)/.test(name));

describe.each(Object.entries(variants))('%s', (_, options) => {
  it.each(names)('%s', async (name) => {
    const engine = await engineFor(options);
    const given = parseSafetensors(readFileSync(join(folder, `${name}.safetensors`)));
    const before = engine.memory().storages;
    expect(compare(engine, name, given, cases[name] as About)).toEqual([]);
    // Scratch, once there, stays.
    expect(engine.memory().storages - before).toBeLessThanOrEqual(1);
  });
});
