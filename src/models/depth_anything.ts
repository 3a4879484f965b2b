/** Depth Anything (Yang et al., arXiv 2401.10891, 2406.09414): DINOv2, and a head that says how far away each pixel is. */
import type { JsonNode } from '../io/json.js';
import { defineArchitecture, type ImageChoices, type ImageDims } from './architecture.js';
import { layersIn, numberIn, oneOf, sizeIn, unsupported } from './config.js';
import { type DepthSpec, depthHead } from './depth_head.js';
import { dinov2Choices, dinov2Dims } from './dinov2.js';
import { ImageEncoder } from './image_encoder.js';
import { dinov2Weights, patchIn } from './vit_family.js';

/** The config of DINOv2. */
function backboneIn(c: JsonNode): JsonNode {
  const own = c.object('backbone_config');
  const kind = own.string('model_type', 'dinov2');
  if (kind === 'dinov2') return own;
  throw unsupported(own, 'model_type', `a backbone that is ${kind}, and heed has dinov2`);
}

/** Numbers that a config lists. */
function numbersIn(c: JsonNode, key: string, absent: readonly number[], fits: (x: number) => boolean): readonly number[] {
  const given = c.array(key, [...absent]) as readonly unknown[];
  if (given.length > 0 && given.every((x) => typeof x === 'number' && Number.isFinite(x) && fits(x))) return given as readonly number[];
  throw c.error(`must have a list of such numbers for ${key}`);
}

const isSize = (x: number) => Number.isSafeInteger(x) && x >= 1 && x <= 1 << 16;

function specOf(c: JsonNode): DepthSpec {
  const backbone = backboneIn(c);
  const L = layersIn(backbone, 'num_hidden_layers', 12);
  // Blocks may be counted from the last.
  const blocks = numbersIn(backbone, 'out_indices', [L], (x) => Number.isSafeInteger(x) && x <= L && x >= -L - 1);
  const taps = blocks.map((x) => (x < 0 ? L + 1 + x : x)).sort((a, b) => a - b);
  const widths = numbersIn(c, 'neck_hidden_sizes', [48, 96, 192, 384], isSize);
  const factors = numbersIn(c, 'reassemble_factors', [4, 2, 1, 0.5], (x) => (x >= 1 ? isSize(x) && x <= 64 : x >= 1 / 64));
  if (taps.length !== widths.length || factors.length !== widths.length)
    throw c.error('must have as many out_indices and reassemble_factors as neck_hidden_sizes');
  const index = c.get('head_in_index') ?? -1;
  if (!(Number.isSafeInteger(index) && (index as number) < widths.length && (index as number) >= -widths.length))
    throw c.error('must have one of its planes for head_in_index');
  if (patchIn(c, 14) !== patchIn(backbone)) throw unsupported(c, 'patch_size', 'patches of another size than those of its backbone');
  return {
    ...{ taps, factors, widths, index: index as number, patch: patchIn(backbone) },
    fusion: sizeIn(c, 'fusion_hidden_size', 64, 1 << 16),
    width: sizeIn(c, 'head_hidden_size', 32, 1 << 16),
    activation: oneOf(c, 'depth_estimation_type', { relative: 'relu', metric: 'sigmoid' } as const),
    most: numberIn(c, 'max_depth', 1),
  };
}

/** model_type 'depth_anything', for `registerArchitecture`: an encoder of pictures. */
export const depthAnything = /* @__PURE__ */ defineArchitecture<ImageDims, ImageChoices>({
  name: 'depth_anything',
  className: 'DepthAnything',
  module: ImageEncoder,
  dims: (c) => dinov2Dims(backboneIn(c)),
  block: (c) => dinov2Choices(backboneIn(c)),
  weights: (c) => dinov2Weights(backboneIn(c)),
  prefixes: ['backbone.'],
  ignored: [/mask_token$/, /^(neck|head)\./],
  heads: {
    DepthEstimation: {
      choices: (c) => ({ reads: 'tokens', make: depthHead(specOf(c)) }),
      weights: {
        'head.reassembly.{l}.projection': 'neck.reassemble_stage.layers.{l}.projection',
        'head.reassembly.{l}.resize': 'neck.reassemble_stage.layers.{l}.resize',
        'head.convs.{l}': 'neck.convs.{l}',
        'head.fusion.{l}.projection': 'neck.fusion_stage.layers.{l}.projection',
        'head.fusion.{l}.residual_layer1.convolution1': 'neck.fusion_stage.layers.{l}.residual_layer1.convolution1',
        'head.fusion.{l}.residual_layer1.convolution2': 'neck.fusion_stage.layers.{l}.residual_layer1.convolution2',
        'head.fusion.{l}.residual_layer2.convolution1': 'neck.fusion_stage.layers.{l}.residual_layer2.convolution1',
        'head.fusion.{l}.residual_layer2.convolution2': 'neck.fusion_stage.layers.{l}.residual_layer2.convolution2',
        'head.conv1': 'head.conv1',
        'head.conv2': 'head.conv2',
        'head.conv3': 'head.conv3',
      },
    },
  },
});
