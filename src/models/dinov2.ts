/** DINOv2 (Oquab et al., arXiv 2304.07193), with registers or without (Darcet et al., arXiv 2309.16588): ViT whose sublayers are scaled by channels. */
import type { JsonNode } from '../io/json.js';
import { dropPath } from '../nn/drop_path.js';
import { defineArchitecture, type ImageChoices, type ImageDims } from './architecture.js';
import { numberIn, probabilityIn, sizeIn } from './config.js';
import { ImageEncoder } from './image_encoder.js';
import { firstPooler } from './poolers.js';
import { dinov2Weights, vitChoices, vitDims } from './vit_family.js';

/** Two thirds of the hidden channels of a plain feed-forward, in whole eights. */
const gatedWidth = (F: number): number => Math.floor((Math.floor((F * 2) / 3) + 7) / 8) * 8;

const registersIn = (c: JsonNode): number => c.integer('num_register_tokens', 1 << 16, 4);

/** Sizes of DINOv2 with so many registers. */
export function dinov2Dims(c: JsonNode, registers = 0): ImageDims {
  const F = Math.floor(sizeIn(c, 'hidden_size', 768) * numberIn(c, 'mlp_ratio', 4));
  return vitDims(c, 1 + registers, { eps: 1e-6, F: c.boolean('use_swiglu_ffn', false) ? gatedWidth(F) : F });
}

/** Its blocks; with registers, positions that are resampled are blurred first. */
export const dinov2Choices = (c: JsonNode, registers = 0, antialias = false): ImageChoices => ({
  ...vitChoices(c),
  ...(c.boolean('use_swiglu_ffn', false) && { gated: 'fused', activation: 'silu' }),
  ...{ layerScale: true, registers, pooler: firstPooler, drops: dropPath(probabilityIn(c, 'drop_path_rate', 0)) },
  positions: { mode: 'bicubic', antialias },
});

const likeDinov2 = (name: string, className: string, hasRegisters: boolean) => {
  const registers = (c: JsonNode) => (hasRegisters ? registersIn(c) : 0);
  return defineArchitecture<ImageDims, ImageChoices>({
    ...{ name, className, module: ImageEncoder },
    dims: (c) => dinov2Dims(c, registers(c)),
    block: (c) => dinov2Choices(c, registers(c), hasRegisters),
    weights: dinov2Weights,
    prefixes: [`${name}.`],
    ignored: [/mask_token$/, /^classifier\./],
    heads: {
      ImageClassification: {
        choices: (c) => ({ reads: 'first+patches', leading: 1 + registers(c) }),
        weights: { 'head.out': 'classifier' },
      },
    },
  });
};

/** model_type 'dinov2', for `registerArchitecture`: an encoder of pictures. */
export const dinov2 = /* @__PURE__ */ likeDinov2('dinov2', 'Dinov2', false);
/** model_type 'dinov2_with_registers', for `registerArchitecture`: an encoder of pictures. */
export const dinov2WithRegisters = /* @__PURE__ */ likeDinov2('dinov2_with_registers', 'Dinov2WithRegisters', true);
