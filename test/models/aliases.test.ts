/** Keys of config.json by general names, which transformers takes for those of an architecture (attribute_map) and prefers to them. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { AutoModelForMaskedLM, AutoModelForSeq2SeqLM, createEngine, type Engine } from '../../dist/entry/node.js';
import { folderAt } from '../../dist/io/folder.js';
import { readParts } from '../../dist/models/parts.js';
import { nodeRuntime } from '../../dist/runtime/node.js';

const fixtures = fileURLToPath(new URL('../fixtures/weights', import.meta.url));
const bart = { hidden_size: 'd_model', num_attention_heads: 'encoder_attention_heads', num_hidden_layers: 'encoder_layers' };
const t5 = { hidden_size: 'd_model', num_attention_heads: 'num_heads', num_hidden_layers: 'num_layers', head_dim: 'd_kv' };
const families = {
  distilbert_head_differs: { hidden_size: 'dim', num_attention_heads: 'n_heads', num_hidden_layers: 'n_layers' },
  bart_copies: bart,
  marian_odd: bart,
  t5_odd: t5,
  mt5_false: t5,
};
const ids = { input_ids: [[3, 4, 5, 2]] };

let engine: Engine;
let folder: string;
beforeAll(async () => {
  engine = await createEngine({ threads: 1 });
  folder = mkdtempSync(join(tmpdir(), 'heed-aliases-'));
});
afterAll(async () => {
  await engine.dispose();
  rmSync(folder, { recursive: true });
});

async function logits(path: string): Promise<number[]> {
  const words = path.includes('distilbert');
  const model = await (words ? AutoModelForMaskedLM : AutoModelForSeq2SeqLM).from_pretrained(path, { engine });
  const { logits } = await model(words ? ids : { ...ids, decoder_input_ids: [[2, 7, 4]] });
  model.dispose();
  return Array.from(logits.data);
}

it.each(Object.entries(families))('%s by general names', async (name, aliases) => {
  const expected = await logits(join(fixtures, name));
  const config = JSON.parse(readFileSync(join(fixtures, name, 'config.json'), 'utf8'));
  for (const own of [undefined, 1]) {
    const path = join(folder, `${name}-${own}`);
    cpSync(join(fixtures, name), path, { recursive: true });
    const general = Object.fromEntries(Object.entries(aliases).map(([alias, key]) => [alias, config[key]]));
    const others = Object.fromEntries(Object.values(aliases).map((key) => [key, own]));
    writeFileSync(join(path, 'config.json'), JSON.stringify({ ...config, ...others, ...general }));
    expect(await logits(path)).toEqual(expected);
    const { config: read } = await readParts(folderAt(nodeRuntime, path));
    expect(read.value).toMatchObject(Object.fromEntries(Object.values(aliases).map((key) => [key, config[key]])));
  }
});
