/** What checkpoints of the families may look like: tied or not, with copies or without, by both generations of transformers; and what each lie in them says. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Engine } from '../../dist/engine/engine.js';
import { bart, heedTransformer, m2m100, marian, mbart, pegasus, registerArchitecture, t5, tensor } from '../../dist/entry/node.js';
import { JsonNode } from '../../dist/io/json.js';
import { EncoderDecoder } from '../../dist/models/encoder_decoder.js';
import { HeedTransformer } from '../../dist/models/heed_transformer.js';
import { EncoderModel } from '../../dist/models/model.js';
import { loadPretrained } from '../../dist/models/pretrained.js';
import { crossEntropy, valueAndGrad } from '../../dist/ops/index.js';
import { nodeRuntime } from '../../dist/runtime/node.js';
import { AdamW } from '../../dist/train/adam.js';
import { failureOf, memoryRuntime } from '../io/memory.js';
import { type Config, numbersOf, readWeights, type Weight, type Weights, weightOf, writeWeights } from './files.js';

const folder = fileURLToPath(new URL('../fixtures/hf', import.meta.url));
const configOf = (name: string): Config => JSON.parse(readFileSync(join(folder, name, 'config.json'), 'utf8'));
const weightsOf = (name: string): Weights => readWeights(readFileSync(join(folder, name, 'model.safetensors')));
const ids = { source: Int32Array.from([5, 6, 7, 8, 9, 10]), target: Int32Array.from([3, 4, 5, 6]) };

async function withModel<T>(config: Config, weights: Weights, use: (model: EncoderDecoder, engine: Engine) => T): Promise<T> {
  registerArchitecture(bart, heedTransformer, m2m100, marian, mbart, pegasus, t5);
  const files = { 'm/config.json': JSON.stringify(config), 'm/model.safetensors': writeWeights(weights) };
  const engine = await Engine.create({ ...nodeRuntime, ...memoryRuntime(files).runtime }, { threads: 1, deterministic: true });
  try {
    const { module } = await loadPretrained(engine, 'm', 'encoder-decoder');
    const result = use(module, engine);
    module.dispose();
    expect(engine.memory().used).toBeLessThan(1 << 16);
    return result;
  } finally {
    await engine.dispose();
  }
}

const logits = (config: Config, weights: Weights) =>
  withModel(config, weights, (model, engine) =>
    engine.scope(() =>
      Array.from(model.forward(tensor(engine, ids.source, [2, 3]), tensor(engine, ids.target, [2, 2]), [3, 2]).toHost().data),
    ),
  );

const furthest = (a: readonly number[], b: readonly number[]) =>
  a.reduce((most, x, i) => Math.max(most, Math.abs(x - (b[i] as number))), 0);
const times = (weight: Weight | undefined, factor: number) =>
  weightOf(
    numbersOf(weight as Weight).map((x) => x * factor),
    (weight as Weight).shape,
  );

describe('T5', () => {
  it('has a head of its own where a checkpoint has one and the outputs are not scaled, by either generation of configs', async () => {
    const [config, weights] = [configOf('t5'), weightsOf('t5')];
    const want = await logits(config, weights);
    const headed = { ...weights, 'lm_head.weight': times(weights['shared.weight'], 1 / Math.sqrt(32)) };
    const { scale_decoder_outputs, ...four } = config;
    expect(furthest(await logits({ ...config, scale_decoder_outputs: false }, headed), want)).toBeLessThan(1e-5);
    expect(furthest(await logits({ ...four, tie_word_embeddings: false }, headed), want)).toBeLessThan(1e-5);
    expect(await logits(four, weights)).toEqual(want);
  });

  it('ignores copies of what is tied, and the bias that no attention to the encoder has', async () => {
    const [config, weights] = [configOf('t5'), weightsOf('t5')];
    const shared = weights['shared.weight'] as Weight;
    const copies = Object.fromEntries(
      ['lm_head', 'encoder.embed_tokens', 'decoder.embed_tokens'].map((name) => [`${name}.weight`, shared]),
    );
    const unused = { 'decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight': weightOf(new Float32Array(32), [8, 4]) };
    expect(await logits(config, { ...weights, ...copies, ...unused })).toEqual(await logits(config, weights));
  });

  it('names its activation in two ways', async () => {
    const [config, weights] = [configOf('t5_gated'), weightsOf('t5_gated')];
    expect(await failureOf(() => logits({ ...config, feed_forward_proj: 'gated-sine' }, weights))).toMatchObject({
      ...{ code: 'UNSUPPORTED', culprit: 'feed_forward_proj' },
    });
    expect(await logits({ ...config, feed_forward_proj: 'gated-silu' }, weights)).not.toEqual(await logits(config, weights));
  });

  it('has a bias that learns', async () => {
    await withModel({ ...configOf('t5_gated'), dropout_rate: 0 }, weightsOf('t5_gated'), (model, engine) => {
      model.train();
      const loss = () =>
        crossEntropy(
          model.forward(tensor(engine, ids.source, [2, 3]), tensor(engine, ids.target, [2, 2]), [3, 2]),
          tensor(engine, Int32Array.from([7, 8, 9, 10]), [2, 2]),
        );
      const measure = () => engine.scope(() => loss().toHost().data[0] as number);
      valueAndGrad(engine, loss);
      const names = [
        'encoder_positions.weight',
        'decoder_positions.weight',
        'transformer.decoder.layers.0.linear3.weight',
        'transformer.encoder.norm.weight',
      ];
      const parameters = new Map(model.namedParameters());
      for (const name of names) {
        const parameter = parameters.get(name);
        const grad = parameter?.grad?.toHost().data as Float32Array;
        const value = engine.heap.floats(parameter?.value.ptr as number, grad.length);
        const largest = grad.reduce((best, x, i) => (Math.abs(x) > Math.abs(grad[best] as number) ? i : best), 0);
        const [old, step] = [value[largest] as number, 1e-2];
        const at = (x: number) => {
          value[largest] = x;
          return measure();
        };
        const slope = (at(old + step) - at(old - step)) / (2 * step);
        value[largest] = old;
        expect(Math.abs(slope - (grad[largest] as number)), name).toBeLessThan(0.02 * Math.abs(slope) + 1e-4);
      }
      model.eval();
    });
  });
});

describe('BART and Marian', () => {
  it.each(['bart', 'marian'])('%s ignores copies of what is tied, and may lack what is only added', async (name) => {
    const [config, weights] = [configOf(name), weightsOf(name)];
    const want = await logits(config, weights);
    const shared = weights['model.shared.weight'] as Weight;
    const copies = { 'lm_head.weight': shared, 'model.encoder.embed_tokens.weight': shared, 'model.decoder.embed_tokens.weight': shared };
    expect(await logits(config, { ...weights, ...copies })).toEqual(want);
    const { final_logits_bias, ...rest } = weights;
    expect(await logits(config, rest)).toEqual(want); // which is zeros
    const bias = weightOf(
      Float32Array.from({ length: 97 }, (_, i) => i),
      [1, 97],
    );
    const biased = await logits(config, { ...weights, final_logits_bias: bias });
    expect(
      furthest(
        biased,
        want.map((x, i) => x + (i % 97)),
      ),
    ).toBeLessThan(1e-4);
  });

  it('Marian may have two vocabularies, and sinusoids in the checkpoint', async () => {
    const [config, weights] = [configOf('marian'), weightsOf('marian')];
    const want = await logits(config, weights);
    const { 'model.shared.weight': shared, final_logits_bias, ...rest } = weights;
    const table = (rows: number) => weightOf(numbersOf(shared as Weight).slice(0, rows * 32), [rows, 32]);
    const apart = { ...rest, 'model.encoder.embed_tokens.weight': shared as Weight, 'model.decoder.embed_tokens.weight': table(50) };
    const sinusoids = { 'model.encoder.embed_positions.weight': weightOf(new Float32Array(64 * 32), [64, 32]) };
    const two = { ...config, share_encoder_decoder_embeddings: false, decoder_vocab_size: 50 };
    const got = await logits(two, { ...apart, ...sinusoids });
    expect(got).toEqual(want.filter((_, i) => i % 97 < 50));
    const head = { 'lm_head.weight': times(table(50), 2) };
    expect(
      furthest(
        await logits({ ...two, tie_word_embeddings: false }, { ...apart, ...head }),
        got.map((x) => 2 * x),
      ),
    ).toBeLessThan(1e-4);
  });

  it.each<[string, Config, Partial<{ code: string; culprit: string }>]>([
    ['heads that do not share the channels', { encoder_attention_heads: 5 }, { code: 'FORMAT' }],
    ['no layers', { decoder_layers: 0 }, { code: 'FORMAT' }],
    ['more layers than tensors', { decoder_layers: 1000 }, { code: 'MODEL_MISMATCH' }],
    ['layers that are not there', { encoder_layers: 3 }, { code: 'MODEL_MISMATCH', culprit: 'encoder.layers.2.self_attn.q_proj.weight' }],
    ['pre-norm layers', { normalize_before: true }, { code: 'UNSUPPORTED', culprit: 'normalize_before' }],
    ['padding that is no token', { pad_token_id: 97 }, { code: 'FORMAT' }],
    ['an activation that there is not', { activation_function: 'sine' }, { code: 'UNSUPPORTED', culprit: 'activation_function' }],
    ['another vocabulary', { vocab_size: 98 }, { code: 'MODEL_MISMATCH', culprit: 'final_logits_bias' }],
  ])('a config with %s says so', async (_, change, error) => {
    expect(await failureOf(() => logits({ ...configOf('bart'), ...change }, weightsOf('bart')))).toMatchObject(error);
  });
});

describe('mBART, M2M100 and PEGASUS', () => {
  it.each(['mbart', 'm2m_100', 'pegasus'])('%s says what published configs and checkpoints have beside', async (name) => {
    const [config, weights] = [configOf(name), weightsOf(name)];
    const want = await logits(config, weights);
    const shared = weights['model.shared.weight'] as Weight;
    const copies = { 'lm_head.weight': shared, 'model.encoder.embed_tokens.weight': shared, 'model.decoder.embed_tokens.weight': shared };
    // Sinusoids that older versions wrote, and what those configs say of fairseq's options.
    const written = name === 'mbart' ? {} : { 'model.encoder.embed_positions.weights': weightOf(new Float32Array(64), [2, 32]) };
    const options = { normalize_before: true, add_final_layer_norm: true, static_position_embeddings: name === 'pegasus' };
    expect(await logits({ ...config, ...options }, { ...weights, ...copies, ...written })).toEqual(want);
  });

  it('M2M100 has the activation and the scores of a config that leaves them out', async () => {
    const { activation_function, attention_dropout, ...config } = configOf('m2m_100');
    const want = await logits(configOf('m2m_100'), weightsOf('m2m_100'));
    expect(await logits(config, weightsOf('m2m_100'))).toEqual(want);
    const bias = { final_logits_bias: weightOf(new Float32Array(97), [1, 97]) };
    expect(await logits(config, { ...weightsOf('m2m_100'), ...bias })).toEqual(want);
  });
});

describe("heed's own", () => {
  const sizes = { d_model: 16, num_heads: 2, encoder_layers: 1, decoder_layers: 2, ffn_dim: 24, vocab_size: 31, pad_token_id: 0 };

  it('is loaded from the keys that it has', async () => {
    const engine = await Engine.create(nodeRuntime, { threads: 1, deterministic: true });
    const model = new HeedTransformer(engine, sizes).init(3);
    const want = engine.scope(() =>
      Array.from(model.forward(tensor(engine, ids.source, [2, 3]), tensor(engine, ids.target, [2, 2]), [3, 2]).toHost().data),
    );
    const weights = Object.fromEntries(
      Object.entries(model.stateDict()).map(([key, { data, dims }]) => [key, weightOf(data as Float32Array, dims)]),
    );
    await engine.dispose();
    expect(await logits({ model_type: 'heed-transformer', ...sizes }, weights)).toEqual(want);
    const short = { model_type: 'heed-transformer', ...sizes, max_position_embeddings: 2 };
    expect(await failureOf(() => logits(short, weights))).toMatchObject({ code: 'ARGUMENT', shape: [2, 3] });
  });

  it('has these losses in its first steps: what was trained with one version can be trained on with the next', async () => {
    const engine = await Engine.create(nodeRuntime, { threads: 1, deterministic: true });
    const layers = { d_model: 64, num_heads: 4, encoder_layers: 2, decoder_layers: 2, ffn_dim: 96, dropout: 0.1 };
    const model = new HeedTransformer(engine, { ...layers, vocab_size: 203, pad_token_id: 0 }).init(7);
    const optimizer = new AdamW(model.namedParameters(), { lr: 1e-3 });
    const rows = (B: number, T: number, s: number) => {
      const id = (i: number) => (i % T > T - 3 && i < T ? 0 : 3 + ((i * 7 + s * 13) % 200));
      return tensor(
        engine,
        Int32Array.from({ length: B * T }, (_, i) => id(i)),
        [B, T],
      );
    };
    const losses = Array.from({ length: 6 }, (_, step) => {
      model.train({ seed: 3, step });
      const options = { ignoreIndex: 0, labelSmoothing: 0.1 };
      const loss = valueAndGrad(engine, () =>
        crossEntropy(model.forward(rows(4, 9, step), rows(4, 7, step + 50), [7, 9, 9, 9]), rows(4, 7, step + 51), options),
      );
      optimizer.step({ clip: 1 });
      optimizer.zeroGrad();
      return loss;
    });
    const pinned = [6.028410911560059, 5.657786846160889, 6.286750793457031, 6.085310935974121, 5.971279144287109, 6.168859481811523];
    expect(losses).toEqual(pinned);
    await engine.dispose();
  });

  it('keeps its embedding once, in panels, when it infers', async () => {
    const engine = await Engine.create(nodeRuntime, { threads: 1 });
    const { used } = engine.memory();
    const model = new HeedTransformer(engine, { ...sizes, vocab_size: 8000 }).init(3);
    expect(model.embedding.weight.packed).toBe(true);
    expect(engine.memory().used - used).toBeLessThan(8000 * 16 * 4 * 1.05 + 40_000);
    await engine.dispose();
  });
});

it.each(['dropout', 'attentionDropout', 'activationDropout'] as const)(
  'an encoder-decoder drops in training what its choices say: %s',
  async (share) => {
    const engine = await Engine.create(nodeRuntime, { threads: 1 });
    const config = JsonNode.of('config.json', configOf('bart'));
    const none = { dropout: 0, attentionDropout: 0, activationDropout: 0 };
    const block = bart.block(config, { tensors: 0, has: () => false, apart: () => false });
    const logitsOf = [none, { ...none, [share]: 0.5 }].map((shares) => {
      const model = new EncoderDecoder(engine, bart.dims(config), { ...block, ...shares }).init(1);
      const at = (step: number) => {
        model.train({ seed: 1, step });
        return engine.scope(() =>
          model
            .forward(tensor(engine, ids.source, [2, 3]), tensor(engine, ids.target, [2, 2]))
            .toHost()
            .tolist(),
        );
      };
      return [at(1), at(2)];
    });
    expect(logitsOf[0]?.[1]).toEqual(logitsOf[0]?.[0]);
    expect(logitsOf[1]?.[1]).not.toEqual(logitsOf[1]?.[0]);
    await engine.dispose();
  },
);

it('says which class loads which kind', async () => {
  registerArchitecture(bart);
  const engine = await Engine.create(nodeRuntime, { threads: 1 });
  const error = await failureOf(() => EncoderModel.load(engine, join(folder, 'bart')));
  expect(error).toMatchObject({ code: 'UNSUPPORTED', culprit: 'model_type' });
  expect(error.message).toContain('AutoModelForSeq2SeqLM');
  await engine.dispose();
});
