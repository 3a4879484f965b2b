/** SegFormer (Xie et al., arXiv 2105.15203): what each place of a picture is. */
import type { JsonNode } from '../io/json.js';
import { defineArchitecture, type Names } from './architecture.js';
import { hiddenActivation } from './bert_family.js';
import { probabilityIn, sizeIn } from './config.js';
import { below } from './names.js';
import { type PyramidChoices, type PyramidDims, PyramidEncoder, placesOf, type StageDims } from './pyramid_encoder.js';
import { mixFeedForward, reducedAttention } from './segformer_blocks.js';
import { segmentationHead } from './segmentation_head.js';

const stagesIn = (c: JsonNode): number => sizeIn(c, 'num_encoder_blocks', 4, 64);

/** A number above 0 of each stage that a config lists. */
function eachIn(c: JsonNode, key: string, absent: readonly number[], isWhole = true): readonly number[] {
  const list = c.array(key, [...absent]) as readonly unknown[];
  const fits = (n: unknown) => typeof n === 'number' && n > 0 && n <= 1 << 16 && (!isWhole || Number.isSafeInteger(n));
  if (list.length >= stagesIn(c) && list.every(fits)) return (list as readonly number[]).slice(0, stagesIn(c));
  throw c.error(`must have a${isWhole ? ' whole' : ''} number above 0 of each of ${stagesIn(c)} stages for ${key}`);
}

const widthsIn = (c: JsonNode): readonly number[] => eachIn(c, 'hidden_sizes', [32, 64, 160, 256]);

function stageDims(c: JsonNode): PyramidDims['stages'] {
  const depths = eachIn(c, 'depths', [2, 2, 2, 2]);
  const [heads, ratios] = [eachIn(c, 'num_attention_heads', [1, 2, 5, 8]), eachIn(c, 'mlp_ratios', [4, 4, 4, 4], false)];
  const [patches, strides] = [eachIn(c, 'patch_sizes', [7, 3, 3, 3]), eachIn(c, 'strides', [4, 2, 2, 2])];
  const reductions = eachIn(c, 'sr_ratios', [8, 4, 2, 1]);
  return widthsIn(c).map((C, s) => {
    const at = (list: readonly number[]) => list[s] as number;
    if (C % at(heads)) throw c.error(`has ${C} channels in stage ${s + 1}, which ${at(heads)} heads cannot share`);
    // The norms' eps is PyTorch's, whatever the config says.
    const places = { patch: at(patches), stride: at(strides), reduction: at(reductions) };
    return { C, L: at(depths), H: at(heads), F: Math.trunc(C * at(ratios)), eps: 1e-5, ...places };
  });
}

/** Names of stage s. */
const stageNames = (s: number): Names => ({
  patches: `patch_embeddings.${s}.proj`,
  patch_norm: `patch_embeddings.${s}.layer_norm`,
  ...below('layers.{l}', `block.${s}.{l}`, {
    norm1: 'layer_norm_1',
    'self_attn.in_proj': 'attention.self.{query,key,value}',
    'self_attn.out_proj': 'attention.output.dense',
    'self_attn.reduction.conv': 'attention.self.sr',
    'self_attn.reduction.norm': 'attention.self.layer_norm',
    norm2: 'layer_norm_2',
    linear1: 'mlp.dense1',
    depthwise: 'mlp.dwconv.dwconv',
    linear2: 'mlp.dense2',
  }),
  norm: `layer_norm.${s}`,
});

/** model_type 'segformer', for `registerArchitecture`: an encoder of pictures. */
export const segformer = /* @__PURE__ */ defineArchitecture<PyramidDims, PyramidChoices>({
  name: 'segformer',
  className: 'Segformer',
  module: PyramidEncoder,
  dims: (c) => {
    const stages = stageDims(c);
    const image = [512, 512] as const;
    return { C: widthsIn(c).at(-1) as number, channels: sizeIn(c, 'num_channels', 3), stages, image, positions: placesOf(stages, image) };
  },
  block: (c) => {
    const dims = stageDims(c);
    const attentionDropout = probabilityIn(c, 'attention_probs_dropout_prob', 0);
    return {
      ...{ place: 'pre', activation: hiddenActivation(c), lastIsPlane: c.boolean('reshape_last_stage', true) },
      stage: (s) => {
        const { H, F, reduction } = dims[s] as StageDims;
        return {
          mixer: reducedAttention({ H, dropout: attentionDropout }, reduction),
          feedForward: { make: mixFeedForward, F },
        };
      },
      dropout: probabilityIn(c, 'hidden_dropout_prob', 0),
      attentionDropout,
    };
  },
  weights: (c) => Object.assign({}, ...widthsIn(c).map((_, s) => below(`stage${s + 1}`, 'encoder', stageNames(s)))),
  prefixes: ['segformer.'],
  ignored: [/\.num_batches_tracked$/, /^(classifier|decode_head)\./],
  heads: {
    ImageClassification: { choices: () => ({ reads: 'mean' }), weights: { 'head.out': 'classifier' } },
    SemanticSegmentation: {
      choices: (c) => ({ reads: 'tokens', make: segmentationHead(widthsIn(c), sizeIn(c, 'decoder_hidden_size', 256, 1 << 16)) }),
      weights: {
        'head.projections.{l}': 'decode_head.linear_c.{l}.proj',
        'head.fuse': 'decode_head.linear_fuse',
        'head.norm': 'decode_head.batch_norm',
        'head.out': 'decode_head.classifier',
      },
    },
  },
});
