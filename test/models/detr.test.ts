/** DETR's config and names in each of their spellings, what it refuses before a weight is read, and its backbone where that looks at places that stand apart. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AutoModel, AutoModelForObjectDetection, createEngine, type Engine, HostTensor } from '../../dist/entry/node.js';
import { ResNet, resnetGrid } from '../../dist/models/resnet.js';
import { drained } from '../../dist/steps.js';
import { tensor } from '../../dist/tensor.js';
import { Random } from '../cases/random.js';
import { numbersOf, readWeights, type Weight, type Weights, weightOf, writeWeights } from './files.js';

const fixtures = fileURLToPath(new URL('../fixtures', import.meta.url));
const folder = `${fixtures}/vision/detr_detect`;
const config = JSON.parse(readFileSync(`${folder}/config.json`, 'utf8'));
const weights = new Uint8Array(readFileSync(`${folder}/model.safetensors`));
const bytes = (value: object) => new TextEncoder().encode(JSON.stringify(value));
const load = (own: object, file = weights as Uint8Array) =>
  AutoModelForObjectDetection.from_pretrained(
    { 'config.json': bytes({ ...config, ...own }), 'model.safetensors': new Uint8Array(file) },
    { engine },
  );

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ threads: 1, deterministic: true });
});
afterAll(() => engine.dispose());

const picture = (H: number, W: number) =>
  new HostTensor(
    'float32',
    Float32Array.from({ length: 3 * H * W }, (_, i) => Math.sin(i * 0.7)),
    [1, 3, H, W],
  );

it.each([
  ['masks', { architectures: ['DetrForSegmentation'] }, 'UNSUPPORTED'],
  ['learned positions', { position_embedding_type: 'learned' }, 'UNSUPPORTED'],
  ['scores of every layer', { auxiliary_loss: true }, 'UNSUPPORTED'],
  ['another backbone', { backbone_config: { model_type: 'swin' } }, 'UNSUPPORTED'],
  ['another of timm', { backbone_config: null, use_timm_backbone: true, backbone: 'efficientnet_b0' }, 'UNSUPPORTED'],
  ['another activation', { backbone_config: { ...config.backbone_config, hidden_act: 'gelu' } }, 'UNSUPPORTED'],
  ['planes of another stage', { backbone_config: { ...config.backbone_config, out_features: ['stage1'] } }, 'UNSUPPORTED'],
  ['stages without layers', { backbone_config: { ...config.backbone_config, depths: [1] } }, 'FORMAT'],
  ['stages of nothing', { backbone_config: { ...config.backbone_config, depths: [1, 0] } }, 'FORMAT'],
  ['more layers than tensors', { backbone_config: { ...config.backbone_config, depths: [1, 9000] } }, 'MODEL_MISMATCH'],
  ['channels without two directions', { d_model: 34, encoder_attention_heads: 2 }, 'FORMAT'],
])('refuses %s', async (_, own, code) => {
  const before = engine.memory().used;
  await expect(load(own)).rejects.toMatchObject({ code });
  expect(engine.memory().used).toBe(before);
});

it('refuses masks that are not the pictures’, and pictures without a pixel', async () => {
  const model = await load({});
  const pixel_values = picture(24, 40);
  const mask = (data: number[], dims: number[]) => ({ pixel_values, pixel_mask: { data, dims } });
  await expect(model(mask([1], [1, 1, 1]))).rejects.toMatchObject({ code: 'SHAPE', culprit: 'pixel_mask' });
  await expect(model(mask([1], [1, 24, 40]))).rejects.toMatchObject({
    code: 'SHAPE',
    message: expect.stringMatching(/\[1,24,40\] of 1 numbers/),
  });
  await expect(model(mask(Array(960).fill(0), [1, 24, 40]))).rejects.toMatchObject({ code: 'ARGUMENT', culprit: 'pixel_mask' });
  await expect(model({ pixel_values: picture(0, 40) })).rejects.toMatchObject({ code: 'SHAPE', culprit: 'pixel_values' });
  // One pixel is a picture, and a mask of nothing beside it none.
  const [own, masked] = [await model({ pixel_values: picture(1, 1) }), await model(mask(Array(960).fill(1), [1, 24, 40]))];
  expect(own.logits.dims).toEqual([1, 5, 4]);
  expect(masked.logits.data).toEqual((await model({ pixel_values })).logits.data);
  model.dispose();
});

describe.each([
  ['resnet18', 'basic', 1],
  ['resnet26', 'bottleneck', 4],
] as const)('with %s', (backbone, layer_type, times) => {
  /** Convolutions of four stages of two layers, by their names in transformers and in timm: shapes of weights. */
  const convolutions = [64, 128, 256, 512].flatMap((width, s) => {
    const outputs = width * times;
    return [0, 1].flatMap((l) => {
      const inputs = l > 0 ? outputs : s > 0 ? (width * times) / 2 : 64;
      const shapes =
        times === 1
          ? [
              [outputs, inputs, 3, 3],
              [outputs, outputs, 3, 3],
            ]
          : [
              [width, inputs, 1, 1],
              [width, width, 3, 3],
              [outputs, width, 1, 1],
            ];
      const [theirs, timm] = [`encoder.stages.${s}.layers.${l}`, `layer${s + 1}.${l}`];
      const all = shapes.map((shape, i) => ({
        shape,
        names: [`${theirs}.layer.${i}.convolution`, `${theirs}.layer.${i}.normalization`, `${timm}.conv${i + 1}`, `${timm}.bn${i + 1}`],
      }));
      const names = [`${theirs}.shortcut.convolution`, `${theirs}.shortcut.normalization`, `${timm}.downsample.0`, `${timm}.downsample.1`];
      return inputs === outputs ? all : [...all, { shape: [outputs, inputs, 1, 1], names }];
    });
  });
  const stem = ['embedder.embedder.convolution', 'embedder.embedder.normalization', 'conv1', 'bn1'];

  it('says the same in timm’s names and in transformers’', async () => {
    const random = new Random(3);
    const [theirs, timm]: [Weights, Weights] = [{}, {}];
    const beside = 'model.backbone.conv_encoder.model';
    for (const { shape, names } of [{ shape: [64, 3, 7, 7], names: stem }, ...convolutions]) {
      const [N = 0, C = 0, K = 0] = shape;
      const spread = Math.sqrt(3 / (C * K * K));
      const put = (name: string, other: string, weight: Weight) => {
        theirs[`${beside}.${name}`] = weight;
        timm[`${beside}.${other}`] = weight;
      };
      put(`${names[0]}.weight`, `${names[2]}.weight`, weightOf(random.floats(shape, spread).data, shape));
      for (const [part, centre] of [
        ['weight', 1] as const,
        ['bias', 0] as const,
        ['running_mean', 0] as const,
        ['running_var', 1] as const,
      ])
        put(`${names[1]}.${part}`, `${names[3]}.${part}`, weightOf(random.floats([N], 0.3, centre).data, [N]));
    }
    const rest = Object.fromEntries(Object.entries(readWeights(weights)).filter(([key]) => !key.includes('.backbone.')));
    const [width] = [512 * times];
    rest['model.input_projection.weight'] = weightOf(random.floats([32, width, 1, 1], 0.05).data, [32, width, 1, 1]);
    const sizes = { embedding_size: 64, hidden_sizes: [64, 128, 256, 512].map((n) => n * times), depths: [2, 2, 2, 2], layer_type };
    const described = { use_timm_backbone: false, backbone_config: { model_type: 'resnet', ...sizes, out_features: ['stage4'] } };
    const spellings: readonly (readonly [object, Weights])[] = [
      [described, theirs],
      [{ backbone_config: null, use_timm_backbone: true, backbone, dilation: false }, timm],
      [{ backbone_config: { model_type: 'timm_backbone', backbone, out_indices: [1, 2, 3, 4] } }, timm],
    ];
    const found: unknown[] = [];
    for (const [own, names] of spellings) {
      const model = await load(own, writeWeights({ ...rest, ...names }));
      const { logits, pred_boxes } = await model({ pixel_values: picture(70, 64) });
      found.push([logits.data, pred_boxes.data]);
      model.dispose();
    }
    expect(found[1]).toEqual(found[0]);
    expect(found[2]).toEqual(found[0]);
  });
});

it.each(['basic', 'bottleneck'])('a last stage whose windows stand apart sees what timm’s sees: %s', (kind) => {
  const all = readWeights(readFileSync(`${fixtures}/resnet/dilated.safetensors`));
  const sizes = { channels: 3, stem: 4, widths: [8, 12], depths: [1, 3], bottleneck: kind === 'bottleneck' };
  const net = new ResNet(engine, { ...sizes, halvesFirst: false, halvesEarly: false, dilated: true, names: 'timm' });
  const own = Object.entries(all).filter(([key]) => key.startsWith(`${kind}.st`));
  const state = own.map(([key, weight]) => [key.slice(kind.length + 1), { data: numbersOf(weight), dims: weight.shape }]);
  net.loadStateDict(Object.fromEntries(state));
  const [pixels, planes] = [all[`${kind}.pixels`], all[`${kind}.planes`]] as [Weight, Weight];
  const { data, dims } = drained(net.steps(tensor(engine, numbersOf(pixels), pixels.shape))).toHost();
  expect(dims).toEqual(planes.shape);
  expect(resnetGrid(net.spec, [30, 26])).toEqual(planes.shape.slice(1, 3));
  for (const [i, x] of numbersOf(planes).entries()) expect(Math.abs((data[i] as number) - x)).toBeLessThan(1e-4);
  net.dispose();
});

it('without a head gives the states of its queries, and those of what they look at', async () => {
  const given = { 'config.json': bytes(config), 'model.safetensors': weights };
  const model = await AutoModel.from_pretrained(given, { engine });
  const { last_hidden_state, encoder_last_hidden_state, cross_attentions } = await model(
    { pixel_values: picture(24, 40) },
    { output_attentions: true },
  );
  expect([last_hidden_state.dims, encoder_last_hidden_state?.dims]).toEqual([
    [1, 5, 32],
    [1, 15, 32],
  ]);
  expect(cross_attentions?.map(({ dims }) => dims)).toEqual([
    [1, 2, 5, 15],
    [1, 2, 5, 15],
  ]);
  model.dispose();
});
