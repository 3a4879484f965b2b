/** DETR (Carion et al., arXiv 2005.12872): what is where in a picture, by a decoder's queries. */
import { defineArchitecture } from './architecture.js';
import { bartLayers } from './bart_family.js';
import { hiddenActivation } from './bert_family.js';
import type { BlockChoices } from './choices.js';
import { headsIn, layersIn, oneOf, probabilityIn, sizeIn, unsupported } from './config.js';
import { detectionHead } from './detection_head.js';
import { below } from './names.js';
import { type QueryDims, QueryEncoder } from './query_encoder.js';
import { resnetGrid, resnetIn, resnetWeights } from './resnet.js';

/** Height and width of a photograph as the processor makes it. */
const USUAL = [800, 1066] as const;

/** model_type 'detr', for `registerArchitecture`: an encoder of pictures. */
export const detr = /* @__PURE__ */ defineArchitecture<QueryDims, BlockChoices>({
  name: 'detr',
  className: 'Detr',
  module: QueryEncoder,
  aliases: { hidden_size: 'd_model', num_attention_heads: 'encoder_attention_heads', num_hidden_layers: 'encoder_layers' },
  dims: (c) => {
    if (c.array('architectures', []).some((name) => name === 'DetrForSegmentation'))
      throw unsupported(c, 'architectures', "DetrForSegmentation's masks, and heed's DETR has boxes alone");
    if (c.boolean('auxiliary_loss', false)) throw unsupported(c, 'auxiliary_loss', 'scores of every layer, and heed has those of the last');
    oneOf(c, 'position_embedding_type', { sine: true });
    const C = sizeIn(c, 'd_model', 256, 1 << 16);
    if (C % 4) throw c.error('must have a d_model of whole fours: sines and cosines of two directions');
    const stack = (side: string) => ({
      L: layersIn(c, `${side}_layers`, 6),
      H: headsIn(c, `${side}_attention_heads`, 8, C),
      F: sizeIn(c, `${side}_ffn_dim`, 2048),
    });
    const [things, backbone] = [sizeIn(c, 'num_queries', 100, 1 << 16), resnetIn(c)];
    const positions = resnetGrid(backbone, USUAL).reduce((h, w) => h * w);
    return { C, ...stack('encoder'), decoder: stack('decoder'), things, backbone, image: USUAL, positions, eps: 1e-5 };
  },
  block: (c) => ({
    ...{ place: 'post', activation: hiddenActivation(c, 'activation_function', 'relu') },
    dropout: probabilityIn(c, 'dropout', 0.1),
    attentionDropout: probabilityIn(c, 'attention_dropout', 0),
    activationDropout: probabilityIn(c, 'activation_dropout', 0),
  }),
  weights: (c) => ({
    ...below('embeddings.backbone', 'backbone.conv_encoder.model', resnetWeights(resnetIn(c))),
    'embeddings.projection': 'input_projection',
    queries: 'query_position_embeddings.weight',
    ...bartLayers('', 'encoder'),
    ...bartLayers('decoder.', 'decoder'),
    'decoder.norm': 'decoder.layernorm',
  }),
  prefixes: ['model.'],
  ignored: [/\.num_batches_tracked$/, /^(class_labels_classifier|bbox_predictor)\./],
  heads: {
    ObjectDetection: {
      choices: (c) => ({ reads: 'tokens', make: detectionHead(sizeIn(c, 'num_queries', 100, 1 << 16), 1) }),
      weights: { 'head.classes.{l}': 'class_labels_classifier', 'head.boxes.{l}': 'bbox_predictor.layers.{l}' },
    },
  },
});
