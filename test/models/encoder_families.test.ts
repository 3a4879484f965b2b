/** What checkpoints of the encoders' families may look like: by both generations of transformers, with old names and copies, with a pooler or without; and what each lie in them says. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  AutoModel,
  AutoModelForMaskedLM,
  AutoModelForQuestionAnswering,
  AutoModelForSequenceClassification,
  AutoModelForTokenClassification,
  createEngine,
  type Engine,
  type ModelInputs,
} from '../../dist/entry/node.js';
import { failureOf } from '../io/memory.js';
import { type Config, numbersOf, readWeights, type Weight, type Weights, weightOf, writeWeights } from './files.js';

const folder = fileURLToPath(new URL('../fixtures/hf', import.meta.url));
const configOf = (name: string): Config => JSON.parse(readFileSync(join(folder, name, 'config.json'), 'utf8'));
const weightsOf = (name: string): Weights => readWeights(readFileSync(join(folder, name, 'model.safetensors')));
const filesOf = (config: Config, weights: Weights) => ({
  'config.json': new TextEncoder().encode(JSON.stringify(config)),
  'model.safetensors': writeWeights(weights),
});

const autos = {
  encoder: AutoModel,
  classify: AutoModelForSequenceClassification,
  ner: AutoModelForTokenClassification,
  qa: AutoModelForQuestionAnswering,
  mlm: AutoModelForMaskedLM,
};

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ threads: 1, deterministic: true });
});
afterAll(() => engine.dispose());

const sentence: ModelInputs = { input_ids: [[5, 6, 7, 8, 9]] };

/** What a model of this config and these weights says of a sentence. */
async function said(config: Config, weights: Weights, kind: keyof typeof autos = 'encoder', inputs = sentence): Promise<unknown> {
  const model = await autos[kind].from_pretrained(filesOf(config, weights), { engine });
  const out = await model(inputs);
  model.dispose();
  return out;
}

const renamed = (weights: Weights, name: (old: string) => string): Weights =>
  Object.fromEntries(Object.entries(weights).map(([old, weight]) => [name(old), weight]));
const zeros = (...shape: number[]): Weight => weightOf(new Float32Array(shape.reduce((a, b) => a * b, 1)), shape);

describe('names', () => {
  it.each(['bert', 'roberta', 'mpnet', 'distilbert', 'electra'])(
    'of %s may be the oldest: gamma and beta, with a prefix, with numbers of positions',
    async (name) => {
      const [config, weights] = [configOf(name), weightsOf(name)];
      const old = (key: string) => key.replace(/LayerNorm\.weight$/, 'LayerNorm.gamma').replace(/LayerNorm\.bias$/, 'LayerNorm.beta');
      const ids = { [`${name}.embeddings.position_ids`]: { dtype: 'I64', shape: [1, 64], bytes: new Uint8Array(512) } };
      const want = await said(config, weights);
      expect(await said(config, { ...renamed(weights, (key) => `${name}.${old(key)}`), ...ids })).toEqual(want);
    },
  );

  it.each(['roberta', 'mpnet', 'bert'])('of %s may lack the pooler; an encoder then has no pooler_output', async (name) => {
    const { 'pooler.dense.weight': _, 'pooler.dense.bias': __, ...weights } = weightsOf(name);
    const { pooler_output, ...want } = (await said(configOf(name), weightsOf(name))) as Record<string, unknown>;
    expect(pooler_output).toBeDefined();
    expect(await said(configOf(name), weights)).toEqual(want);
  });

  it.each([
    [
      'bert_mlm',
      { 'cls.predictions.decoder.weight': [97, 32], 'cls.predictions.decoder.bias': [97], 'cls.seq_relationship.weight': [2, 32] },
    ],
    ['roberta_mlm', { 'lm_head.decoder.weight': [50, 32], 'lm_head.decoder.bias': [50], 'roberta.pooler.dense.weight': [32, 32] }],
    ['mpnet_mlm', { 'lm_head.decoder.weight': [50, 32], 'lm_head.decoder.bias': [50] }],
    ['distilbert_mlm', { 'vocab_projector.weight': [50, 32] }],
    ['modernbert_mlm', { 'decoder.weight': [50, 32] }],
    ['electra_mlm', { 'generator_lm_head.weight': [50, 20], 'classifier.weight': [2, 32] }],
  ])('of %s may come with copies of what is tied, and with what other tasks had', async (name, more) => {
    const table = Object.entries(weightsOf(name)).find(([key]) => /(word|tok)_embeddings\.weight$/.test(key))?.[1] as Weight;
    const bias = Object.entries(weightsOf(name)).find(([key]) => /^(lm_head|cls\.predictions)\.bias$/.test(key))?.[1] as Weight;
    const copyOf = (key: string, shape: number[]) =>
      /(decoder|projector|lm_head)\.weight$/.test(key) ? table : /decoder\.bias$/.test(key) ? bias : zeros(...shape);
    const extra = Object.fromEntries(Object.entries(more).map(([key, shape]) => [key, copyOf(key, shape)]));
    const want = await said(configOf(name), weightsOf(name), 'mlm');
    expect(await said(configOf(name), { ...weightsOf(name), ...extra }, 'mlm')).toEqual(want);
  });

  it.each([
    'roberta_qa',
    'roberta_classify',
    'distilbert_ner',
    'modernbert_mlm',
    'modernbert_mean',
    'mpnet_classify',
    'electra_mlm',
    'electra_classify',
  ])('of a head are ignored where there is none: %s is an encoder, too', async (name) => {
    const { last_hidden_state } = (await said(configOf(name), weightsOf(name))) as { last_hidden_state: { dims: number[] } };
    expect(last_hidden_state.dims).toEqual([1, 5, 32]);
  });

  it.each<[string, keyof typeof autos, string]>([
    ['roberta', 'classify', 'classifier.dense.weight'],
    ['roberta_qa', 'ner', 'classifier.weight'],
    ['distilbert', 'qa', 'qa_outputs.weight'],
    ['mpnet_ner', 'mlm', 'lm_head.bias'],
    ['modernbert', 'ner', 'head.dense.weight'],
    ['modernbert_classify', 'mlm', 'decoder.bias'],
    ['electra', 'mlm', 'generator_lm_head.bias'],
  ])('of a head are missed where it is wanted: %s for %s', async (name, kind, culprit) => {
    expect(await failureOf(() => said(configOf(name), weightsOf(name), kind))).toMatchObject({ code: 'MODEL_MISMATCH', culprit });
    (await autos[kind].from_pretrained(filesOf(configOf(name), weightsOf(name)), { engine, trainable: true })).dispose();
  });

  it('of what tasks share go from one to the other: ModernBERT’s transform', async () => {
    const weights = weightsOf('modernbert_mlm');
    const files = filesOf(configOf('modernbert_mlm'), weights);
    const { encoder } = await AutoModelForSequenceClassification.from_pretrained(files, { engine, trainable: true, num_labels: 4 });
    const { 'head.dense.weight': dense, 'head.out.weight': out } = encoder.stateDict();
    expect(Array.from(dense?.data ?? [])).toEqual(Array.from(numbersOf(weights['head.dense.weight'] as Weight)));
    expect(out?.dims).toEqual([4, 32]);
    encoder.dispose();
    const { 'head.dense.weight': _, ...half } = weights;
    const broken = () => AutoModelForMaskedLM.from_pretrained(filesOf(configOf('modernbert_mlm'), half), { engine });
    expect(await failureOf(broken)).toMatchObject({ code: 'MODEL_MISMATCH', culprit: 'head.dense.weight' });
  });

  it('that are nobody’s are told of, once for all, and nothing else changes', async () => {
    const unused = [
      'encoder.layer.0.adapter.weight',
      'loss_fct.weight',
      'class_weights',
      'bn.num_batches_tracked',
      'encoder.layer.7.output.dense.bias',
    ];
    const more = Object.fromEntries(unused.map((name) => [name, { ...zeros(2), dtype: 'U8', bytes: new Uint8Array(2) }]));
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    expect(await said(configOf('roberta'), { ...weightsOf('roberta'), ...more })).toEqual(
      await said(configOf('roberta'), weightsOf('roberta')),
    );
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn.mock.calls[0]?.[0]).toMatch(/"encoder\.layer\.0\.adapter\.weight".*and 2 more/);
    warn.mockRestore();
  });
});

describe('ModernBERT’s config', () => {
  /** As transformers 4 writes it. */
  function four({ layer_types: _, rope_parameters: __, dtype: ___, ...rest }: Config, config: Config = {}): Config {
    const keys = { global_rope_theta: 160_000, local_rope_theta: 10_000, reference_compile: true, position_embedding_type: 'absolute' };
    return { ...rest, ...keys, torch_dtype: 'float32', ...config };
  }

  it('is understood as either generation writes it', async () => {
    const [config, weights] = [configOf('modernbert'), weightsOf('modernbert')];
    const want = await said(config, weights);
    expect(await said(four(config), weights)).toEqual(want);
    const { rope_parameters: _, ...plain } = config;
    expect(await said(plain, weights)).toEqual(want);
    // What they say is heeded.
    expect(await said(four(config, { global_rope_theta: 500 }), weights)).not.toEqual(want);
    expect(await said(four(config, { local_rope_theta: 500 }), weights)).not.toEqual(want);
    expect(await said(four(config, { global_attn_every_n_layers: 3 }), weights)).not.toEqual(want);
    expect(await said({ ...config, local_attention: 2 }, weights)).not.toEqual(want);
    expect(await said({ ...config, layer_types: Array(3).fill('full_attention') }, weights)).not.toEqual(want);
  });

  it.each<[string, Config, Partial<{ code: string; culprit: string }>]>([
    ['scaled angles', { rope_scaling: { rope_type: 'yarn', factor: 4 } }, { code: 'UNSUPPORTED', culprit: 'rope_scaling' }],
    [
      'angles of part of a head',
      { rope_parameters: { full_attention: { rope_theta: 1e4, partial_rotary_factor: 0.5 } } },
      { code: 'UNSUPPORTED' },
    ],
    ['a base of 0', { rope_parameters: { sliding_attention: { rope_theta: 0 } } }, { code: 'FORMAT' }],
    ['too few types of layers', { layer_types: ['full_attention'] }, { code: 'FORMAT' }],
    ['a type of layers that there is not', { layer_types: ['full_attention', 'chunked_attention', 'full_attention'] }, { code: 'FORMAT' }],
    ['biases that are not there', { mlp_bias: true }, { code: 'MODEL_MISMATCH', culprit: 'layers.0.mlp.Wi.bias' }],
    ['no such activation', { hidden_activation: 'sine' }, { code: 'UNSUPPORTED', culprit: 'hidden_activation' }],
    ['every 0th layer', { layer_types: undefined, global_attn_every_n_layers: 0 }, { code: 'FORMAT' }],
    ['a window of 0', { local_attention: 0 }, { code: 'FORMAT' }],
  ])('with %s says so', async (_, change, error) => {
    expect(await failureOf(() => said({ ...configOf('modernbert'), ...change }, weightsOf('modernbert')))).toMatchObject(error);
  });

  it('with a pooling that heed does not have says so', async () => {
    const config = { ...configOf('modernbert_classify'), classifier_pooling: 'max' };
    expect(await failureOf(() => said(config, weightsOf('modernbert_classify'), 'classify'))).toMatchObject({
      ...{ code: 'UNSUPPORTED', culprit: 'classifier_pooling' },
    });
  });
});

describe('the other configs', () => {
  it.each<[string, Config, Partial<{ code: string; culprit: string }>]>([
    ['roberta', { position_embedding_type: 'relative_key' }, { code: 'UNSUPPORTED', culprit: 'position_embedding_type' }],
    ['xlm_roberta', { is_decoder: true }, { code: 'UNSUPPORTED', culprit: 'is_decoder' }],
    ['bert', { add_cross_attention: true }, { code: 'UNSUPPORTED', culprit: 'add_cross_attention' }],
    ['mpnet', { relative_attention_num_buckets: 16 }, { code: 'UNSUPPORTED', culprit: 'relative_attention_num_buckets' }],
    ['roberta', { max_position_embeddings: 2 }, { code: 'FORMAT' }],
    ['roberta', { pad_token_id: -1 }, { code: 'FORMAT' }],
    ['roberta', { pad_token_id: 1.5 }, { code: 'FORMAT' }],
    ['roberta', { type_vocab_size: 0 }, { code: 'FORMAT' }],
    ['distilbert', { n_heads: 5 }, { code: 'FORMAT' }],
    ['distilbert', { n_layers: 3 }, { code: 'MODEL_MISMATCH', culprit: 'transformer.layer.2.attention.q_lin.weight' }],
    ['distilbert', { dim: undefined }, { code: 'MODEL_MISMATCH' }],
    ['electra', { embedding_size: 32 }, { code: 'MODEL_MISMATCH' }],
    ['electra', { embedding_size: 0 }, { code: 'FORMAT' }],
    ['electra', { embedding_size: undefined }, { code: 'MODEL_MISMATCH' }],
    ['electra_square', { embedding_size: 20 }, { code: 'MODEL_MISMATCH' }],
    ['mpnet', { hidden_act: 'sine' }, { code: 'UNSUPPORTED', culprit: 'hidden_act' }],
  ])('%s with %o says so', async (name, change, error) => {
    expect(await failureOf(() => said({ ...configOf(name), ...change }, weightsOf(name)))).toMatchObject(error);
  });

  it('DistilBERT with sinusoids has them in its checkpoint', async () => {
    const config = { ...configOf('distilbert'), sinusoidal_pos_embds: true };
    expect(await said(config, weightsOf('distilbert'))).toEqual(await said(configOf('distilbert'), weightsOf('distilbert')));
  });
});

describe('ELECTRA', () => {
  it('is loaded from a pretrained discriminator as transformers 4 wrote it', async () => {
    const { dtype, ...config } = configOf('electra');
    const four = { ...config, torch_dtype: dtype, architectures: ['ElectraForPreTraining'], position_embedding_type: 'absolute' };
    const head = {
      'discriminator_predictions.dense.weight': zeros(32, 32),
      'discriminator_predictions.dense.bias': zeros(32),
      'discriminator_predictions.dense_prediction.weight': zeros(1, 32),
      'discriminator_predictions.dense_prediction.bias': zeros(1),
    };
    const weights = { ...renamed(weightsOf('electra'), (key) => `electra.${key}`), ...head };
    expect(await said(four, weights)).toEqual(await said(configOf('electra'), weightsOf('electra')));
  });

  it('has a projection where its embeddings have other channels than its states, and nowhere else', async () => {
    const { 'embeddings_project.weight': weight, ...rest } = weightsOf('electra');
    const projection = { 'embeddings_project.weight': weight as Weight };
    const culprit = 'embeddings_project.weight';
    expect(await failureOf(() => said(configOf('electra'), rest))).toMatchObject({ code: 'MODEL_MISMATCH', culprit });
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const [config, weights] = [configOf('electra_square'), weightsOf('electra_square')];
    expect(await said(config, { ...weights, ...projection })).toEqual(await said(config, weights));
    expect(warn).toHaveBeenCalledTimes(1);
    warn.mockRestore();
  });
});

describe('positions', () => {
  it.each(['roberta', 'mpnet'])('of %s begin behind the padding token: two rows of the table are no tokens’', async (name) => {
    const inputs = (T: number) => ({ input_ids: [Array(T).fill(5)] });
    await said(configOf(name), weightsOf(name), 'encoder', inputs(62));
    expect(await failureOf(() => said(configOf(name), weightsOf(name), 'encoder', inputs(63)))).toMatchObject({ code: 'ARGUMENT' });
  });

  it('count tokens but for padding, wherever it stands, whatever the mask says', async () => {
    const [config, weights] = [configOf('roberta'), weightsOf('roberta')];
    const statesOf = async (input_ids: number[][], attention_mask?: number[][]) => {
      const inputs = { input_ids, attention_mask };
      const { last_hidden_state } = (await said(config, weights, 'encoder', inputs)) as { last_hidden_state: { tolist(): number[][][] } };
      return last_hidden_state.tolist();
    };
    const [row = []] = await statesOf([[5, 6, 7]]);
    const [left = []] = await statesOf([[1, 1, 5, 6, 7]], [[0, 0, 1, 1, 1]]);
    const furthest = (a: number[][], b: number[][]) =>
      Math.max(...a.flatMap((state, t) => state.map((x, c) => Math.abs(x - (b[t]?.[c] as number)))));
    expect(furthest(left.slice(2), row)).toBeLessThan(1e-5);
    const [other = []] = await statesOf([[9, 9, 5, 6, 7]], [[0, 0, 1, 1, 1]]);
    expect(furthest(other.slice(2), row)).toBeGreaterThan(1e-2);
  });

  it('tell no types apart where there are none', async () => {
    const ask = (name: string, type: number) =>
      said(configOf(name), weightsOf(name), 'encoder', { ...sentence, token_type_ids: [[0, 0, 0, type, type]] });
    for (const name of ['distilbert', 'modernbert', 'mpnet', 'xlm_roberta']) {
      expect(await ask(name, 0)).toEqual(await said(configOf(name), weightsOf(name)));
      expect(await failureOf(() => ask(name, 1))).toMatchObject({ code: 'ARGUMENT', culprit: 'token_type_ids' });
    }
  });
});
