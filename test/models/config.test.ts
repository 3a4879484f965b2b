/** A config that lies: every number, name and kind that cannot be is told apart, before anything large is made of it. */

import { describe, expect, it } from 'vitest';
import { bert } from '../../dist/core.js';
import { HeedError } from '../../dist/errors.js';
import { JsonNode } from '../../dist/io/json.js';
import { EncoderModel } from '../../dist/models/model.js';
import fc from '../draws.js';
import { failureOf } from '../io/memory.js';
import { type Config, engineOver, tinyConfig, tinyFiles } from './files.js';

async function failure(config: Config) {
  const engine = await engineOver(tinyFiles(config));
  const error = await failureOf(() => EncoderModel.load(engine, 'm'));
  expect(engine.memory()).toMatchObject({ used: 0, storages: 0 });
  await engine.dispose();
  return error;
}

const sizes = [
  ...['hidden_size', 'num_hidden_layers', 'num_attention_heads', 'intermediate_size'],
  ...['vocab_size', 'max_position_embeddings', 'type_vocab_size'],
];

describe('a size in config.json', () => {
  it.each(sizes)('%s must be a whole number above 0', async (key) => {
    for (const value of [0, -1, 1.5, '32', [], {}, true, 1e300]) {
      const error = await failure({ [key]: value });
      expect(error).toMatchObject({ code: 'FORMAT' });
      expect(error.message).toContain(key);
      expect(error.message).toContain('m/config.json');
    }
  });

  it.each(sizes)('%s that is not the one of the weights is refused, however large', async (key) => {
    for (const value of [1, 3, 7, 31, 33, 64, 1000, 1 << 24]) {
      if (tinyConfig()[key] === value || 32 % value === 0) continue;
      expect((await failure({ [key]: value })).code).toMatch(/MODEL_MISMATCH|FORMAT|MEMORY/);
    }
  });

  it('that heads cannot share is refused with both numbers', async () => {
    const error = await failure({ num_attention_heads: 5 });
    expect(error.code).toBe('FORMAT');
    expect(error.message).toMatch(/32.*5 heads/);
  });

  it.each(sizes)('%s that is absent, or null, is what transformers has for it', async (key) => {
    const usual: Config = { vocab_size: 30522, hidden_size: 768, num_hidden_layers: 12, num_attention_heads: 12, intermediate_size: 3072 };
    const all: Config = { ...usual, max_position_embeddings: 512, type_vocab_size: 2, hidden_act: 'gelu' };
    const node = (config: Config) => JsonNode.of('config.json', { model_type: 'bert', ...config });
    for (const value of [undefined, null]) {
      const config = node({ ...all, [key]: value });
      expect(bert.dims(config)).toEqual(bert.dims(node(all)));
    }
    expect(bert.block(node({}), { tensors: 0, has: () => false, apart: () => false })).toMatchObject({ activation: 'gelu' });
  });
});

describe('a choice in config.json', () => {
  it.each<[string, Config, string]>([
    ['model_type', { model_type: 'mamba' }, 'model_type'],
    ['model_type', { model_type: '__proto__' }, 'model_type'],
    ['hidden_act', { hidden_act: 'prelu' }, 'hidden_act'],
    ['hidden_act', { hidden_act: 'toString' }, 'hidden_act'],
    ['position_embedding_type', { position_embedding_type: 'relative_key' }, 'position_embedding_type'],
    ['is_decoder', { is_decoder: true }, 'is_decoder'],
  ])('%s that heed does not have is UNSUPPORTED: %j', async (_, config, culprit) => {
    expect(await failure(config)).toMatchObject({ code: 'UNSUPPORTED', culprit });
  });

  it('of a wrong kind is FORMAT', async () => {
    for (const config of [
      { model_type: 3 },
      { model_type: null },
      { hidden_act: ['gelu'] },
      { is_decoder: 'no' },
      { position_embedding_type: 1 },
    ])
      expect((await failure(config)).code).toBe('FORMAT');
  });

  it.each([-1e-12, -1, '1e-12', []])('layer_norm_eps %s is FORMAT', async (layer_norm_eps) => {
    expect((await failure({ layer_norm_eps })).code).toBe('FORMAT');
  });
});

describe('a config.json', () => {
  const text = JSON.stringify(tinyConfig());

  it.each<[string, string]>([
    ['is empty', ''],
    ['is a list', '[]'],
    ['is null', 'null'],
    ['is cut short', text.slice(0, 300)],
    ['nests too deep', `${'['.repeat(200_000)}${']'.repeat(200_000)}`],
    ['is not UTF-8', '\ud800'],
  ])('that %s is FORMAT', async (_, content) => {
    const engine = await engineOver({ ...tinyFiles(), 'm/config.json': content === '\ud800' ? Uint8Array.of(0x7b, 0xff, 0x7d) : content });
    expect((await failureOf(() => EncoderModel.load(engine, 'm'))).code).toBe('FORMAT');
    await engine.dispose();
  });

  it('whose members are anything at all loads, or is refused by a HeedError', async () => {
    const keys = Object.keys(tinyConfig());
    const value = fc.oneof(fc.integer({ min: -2, max: 70 }), fc.double(), fc.string({ maxLength: 5 }), fc.constantFrom(null, true, [], {}));
    const engine = await engineOver({});
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.constantFrom(...keys), value, { minKeys: 1, maxKeys: 3 }), async (config) => {
        const { runtime } = await engineOver(tinyFiles(config));
        Object.assign(engine.runtime, { open: runtime.open });
        try {
          const model = await EncoderModel.load(engine, 'm');
          const { data } = (await model({ input_ids: [[2, 5, 3]] })).last_hidden_state;
          expect(data.every(Number.isFinite)).toBe(true);
          model.dispose();
        } catch (error) {
          if (!(error instanceof HeedError)) throw error;
        }
        expect(engine.memory().storages).toBeLessThanOrEqual(1); // scratch
      }),
      { numRuns: 150 },
    );
    await engine.dispose();
  });
});
