/** What decoders' configs may look like beyond the fixtures', and what each must refuse: by its key, and by what heed has. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AutoModelForCausalLM, createEngine, type Engine, estimate } from '../../dist/entry/node.js';
import { JsonNode } from '../../dist/io/json.js';
import type { CheckpointSummary } from '../../dist/models/architecture.js';
import * as all from '../../dist/models/decoders.js';
import { failureOf } from '../io/memory.js';

const decoders = { ...all };
const folder = (name: string) => fileURLToPath(new URL(`../fixtures/causal/${name}`, import.meta.url));
const configOf = (name: string, changes: object = {}) => ({
  ...JSON.parse(readFileSync(`${folder(name)}/config.json`, 'utf8')),
  ...changes,
});
const none: CheckpointSummary = { tensors: 0, has: () => false, apart: () => false };
/** What blocks choose for a config. */
const chosen = (name: keyof typeof decoders, config: object) => decoders[name].block(JsonNode.of('config.json', config), none);
/** What each of these layers has of its own. */
const layers = (name: keyof typeof decoders, config: object, count: number) =>
  Array.from({ length: count }, (_, l) => chosen(name, config).layer?.(l) ?? {});

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ threads: 1 });
});
afterAll(() => engine.dispose());

const load = (config: object) => {
  const files = {
    'config.json': new TextEncoder().encode(JSON.stringify(config)),
    'model.safetensors': readFileSync(`${folder('gpt2')}/model.safetensors`),
  };
  return AutoModelForCausalLM.from_pretrained(files, { engine });
};

it('that heed does not know is named, and so are those that it has', async () => {
  const error = await failureOf(() => load({ model_type: 'mamba' }));
  expect(error).toMatchObject({ code: 'UNSUPPORTED', culprit: 'model_type' });
  expect(error.message).toContain('"mamba"');
  for (const { name } of Object.values(decoders)) expect(error.cure).toContain(name);
});

it.each([
  ['gpt2', { add_cross_attention: true }, 'add_cross_attention'],
  ['opt', { word_embed_proj_dim: 16 }, 'word_embed_proj_dim'],
  ['opt', { do_layer_norm_before: false }, 'do_layer_norm_before'],
  ['opt', { layer_norm_elementwise_affine: false }, 'layer_norm_elementwise_affine'],
  ['bloom', { apply_residual_connection_post_layernorm: true }, 'apply_residual_connection_post_layernorm'],
  ['gemma3', { use_bidirectional_attention: true }, 'model'],
  ['llama', { rope_parameters: { rope_type: 'ntk', rope_theta: 10_000 } }, 'rope_type'],
  ['llama', { hidden_act: 'prelu' }, 'hidden_act'],
  ['olmoe', { clip_qkv: 8 }, 'clip_qkv'],
])('%s with %j is refused', async (name, changes, culprit) => {
  expect(await failureOf(() => load(configOf(name, changes)))).toMatchObject({ code: 'UNSUPPORTED', culprit });
});

describe('lfm2', () => {
  const convolves = (config: object) => layers('lfm2', { num_hidden_layers: 3, ...config }, 3).map(({ mixer }) => mixer !== undefined);
  it('convolves where its config says so, by either spelling', () => {
    expect(convolves({ layer_types: ['conv', 'full_attention', 'conv'] })).toEqual([true, false, true]);
    expect(convolves({ full_attn_idxs: [2] })).toEqual([true, true, false]);
    expect(convolves({})).toEqual([false, false, false]);
  });

  it('adjusts the width between its products as transformers does', () => {
    const F = (config: object) => decoders.lfm2.dims(JsonNode.of('config.json', config)).F;
    expect(F({ intermediate_size: 12_288 })).toBe(8192);
    expect(F({ block_ff_dim: 6656, intermediate_size: 1 })).toBe(4608);
    expect(F({ intermediate_size: 1000, block_ffn_dim_multiplier: 1.5, block_multiple_of: 10 })).toBe(1000);
    expect(F({ intermediate_size: 48, block_auto_adjust_ff_dim: false })).toBe(48);
  });

  it.each([
    [{ layer_types: ['conv', 'sliding_attention', 'conv'] }, 'config.json'],
    [{ layer_types: ['conv'] }, 'config.json'],
    [{ conv_L_cache: 0 }, 'config.json'],
    [{ conv_L_cache: 65 }, 'conv_L_cache'],
  ])('is no config with %j', async (config, culprit) => {
    expect(await failureOf(() => convolves(config))).toMatchObject({ code: 'FORMAT', culprit });
  });
});

describe('windows', () => {
  it.each([
    ['of Mistral, unless a config says otherwise', 'mistral', { model_type: 'mistral' }, [4095, 4095]],
    ['of Mistral, by null none', 'mistral', { sliding_window: null }, [undefined, undefined]],
    ['of Qwen only where asked for', 'qwen2', { sliding_window: 8, max_window_layers: 0 }, [undefined, undefined]],
    [
      'of Qwen from a layer on',
      'qwen3',
      { use_sliding_window: true, sliding_window: 8, max_window_layers: 1, num_hidden_layers: 2 },
      [undefined, 7],
    ],
    ['of Gemma 2, every other', 'gemma2', { num_hidden_layers: 3, sliding_window: 5 }, [4, undefined, 4]],
    ['of Gemma 3, five of six', 'gemma3', { num_hidden_layers: 6, sliding_window: 5 }, [4, 4, 4, 4, 4, undefined]],
    [
      'of SmolLM3 where it has no positions',
      'smollm3',
      { use_sliding_window: true, sliding_window: 3, num_hidden_layers: 4 },
      [undefined, undefined, undefined, 2],
    ],
  ] as const)('%s', (_, name, config, want) => {
    expect(layers(name, config, want.length).map(({ window }) => window)).toEqual(want);
  });

  it('that a config lists for other layers than it has are refused', () => {
    const config = { num_hidden_layers: 3, layer_types: ['sliding_attention'], sliding_window: 4 };
    expect(() => chosen('ministral', config)).toThrow(expect.objectContaining({ code: 'FORMAT' }));
  });
});

it('SmolLM3 has layers without positions, by a list or by their interval', () => {
  const turning = (config: object) => layers('smollm3', { num_hidden_layers: 4, ...config }, 4).map(({ rotary }) => rotary !== undefined);
  expect(turning({})).toEqual([true, true, true, false]);
  expect(turning({ no_rope_layer_interval: 2 })).toEqual([true, false, true, false]);
  expect(turning({ no_rope_layers: [0, 1, 1, 1] })).toEqual([false, true, true, true]);
});

it('Qwen 3 has experts in each layer, every few, or in those that are not listed', () => {
  const sparse = (config: object) => layers('qwen3Moe', { num_hidden_layers: 4, ...config }, 4).map(({ feedForward }) => feedForward?.F);
  expect(sparse({ moe_intermediate_size: 16 })).toEqual([16, 16, 16, 16]);
  expect(sparse({ decoder_sparse_step: 2 })).toEqual([undefined, 768, undefined, 768]);
  expect(sparse({ mlp_only_layers: [0, 2] })).toEqual([undefined, 768, undefined, 768]);
  const few = { num_experts: 2, num_experts_per_tok: 3 };
  expect(() => chosen('olmoe', few)).toThrow(expect.objectContaining({ code: 'FORMAT', message: expect.stringContaining('2 experts') }));
});

it.each(Object.keys(decoders))('%s tells what it will take before it is loaded', async (name) => {
  const written = { gptNeox: 'gpt_neox', qwen3Moe: 'qwen3_moe' }[name] ?? name;
  const { weights, memory, parameters } = await estimate(folder(written), { tokens: 9, engine: { threads: 1 } });
  const own = await createEngine({ threads: 1 });
  const model = await AutoModelForCausalLM.from_pretrained(folder(written), { engine: own });
  expect(own.memory().used).toBe(weights);
  expect([...model.module.distinctParameters().values()].reduce((sum, { shape }) => sum + shape.reduce((n, d) => n * d, 1), 0)).toBe(
    parameters,
  );
  await model({ input_ids: [[1, 2, 3, 4, 5, 6, 7, 8, 9]] });
  expect(own.memory().size).toBeLessThanOrEqual(memory);
  await own.dispose();
});

it('Gemma bounds scores unless a config says null', () => {
  expect(chosen('gemma2', { num_hidden_layers: 1 })).toMatchObject({ softCap: 50, logitsCap: 30 });
  expect(chosen('gemma2', { num_hidden_layers: 1, attn_logit_softcapping: null, final_logit_softcapping: null })).toMatchObject({
    softCap: 0,
    logitsCap: 0,
  });
});

it('GPT-2 may divide scores by the layer', () => {
  const scales = (config: object) => layers('gpt2', { n_embd: 32, n_head: 2, ...config }, 2).map(({ attentionScale }) => attentionScale);
  expect(scales({})).toEqual([0.25, 0.25]);
  expect(scales({ scale_attn_by_inverse_layer_idx: true })).toEqual([0.25, 0.125]);
  expect(scales({ scale_attn_weights: false })).toEqual([1, 1]);
});
