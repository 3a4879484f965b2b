/** ViT (Dosovitskiy et al., arXiv 2010.11929): pre-norm blocks over patches and a token for the class, whose state a head reads. */
import { defineArchitecture, type HeadDesign, type ImageChoices, type ImageDims } from './architecture.js';
import { unsupported } from './config.js';
import { ImageEncoder } from './image_encoder.js';
import { tanhPooler } from './poolers.js';
import { vitChoices, vitDims, vitWeights } from './vit_family.js';

/** Scores by the state of the token for the class. */
const vitHead: HeadDesign = { choices: () => ({ reads: 'first' }), weights: { 'head.out': 'classifier' } };

/** ViT, by the name of whoever follows it, with these tokens before the patches. */
export const likeVit = (name: string, className: string, leading: readonly string[], head: HeadDesign = vitHead) =>
  defineArchitecture<ImageDims, ImageChoices>({
    ...{ name, className, module: ImageEncoder },
    dims: (c) => vitDims(c, leading.length),
    block: (c) => {
      if (c.string('pooler_act', 'tanh') !== 'tanh') throw unsupported(c, 'pooler_act', 'a pooler whose activation is not tanh');
      return { ...vitChoices(c), leading, pooler: tanhPooler };
    },
    weights: vitWeights,
    prefixes: [`${name}.`],
    ignored: [/mask_token$/, /^((cls_|distillation_)?classifier|decoder)\./],
    optional: ['pooler.'],
    heads: { ImageClassification: head },
  });

/** ViT's model_type 'vit', for `registerArchitecture`: an encoder of pictures. */
export const vit = /* @__PURE__ */ likeVit('vit', 'ViT', ['cls']);
