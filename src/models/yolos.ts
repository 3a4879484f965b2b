/** YOLOS (Fang et al., arXiv 2106.00666): ViT with a token for each thing that may be in a picture. */
import type { JsonNode } from '../io/json.js';
import { defineArchitecture, type ImageChoices, type ImageDims } from './architecture.js';
import { layersIn, sizeIn } from './config.js';
import { detectionHead } from './detection_head.js';
import { ImageEncoder } from './image_encoder.js';
import { vitChoices, vitDims, vitWeights } from './vit_family.js';

const thingsIn = (c: JsonNode): number => sizeIn(c, 'num_detection_tokens', 100, 1 << 16);

/** Whether there are positions before each layer, and not before the first alone. */
const hasMore = (c: JsonNode): boolean => c.boolean('use_mid_position_embeddings', true) && layersIn(c, 'num_hidden_layers', 12) > 1;

/** YOLOS's model_type 'yolos', for `registerArchitecture`: an encoder of pictures. */
export const yolos = /* @__PURE__ */ defineArchitecture<ImageDims, ImageChoices>({
  name: 'yolos',
  className: 'Yolos',
  module: ImageEncoder,
  dims: (c) => vitDims(c, 1 + thingsIn(c), { image: [512, 864] }),
  block: (c) => ({ ...vitChoices(c), trailing: thingsIn(c), morePositions: hasMore(c) }),
  weights: (c) => ({
    ...vitWeights(c),
    more_positions: {
      name: 'encoder.mid_position_embeddings',
      shape: ([rows = 0, C = 0]) => {
        const layers = layersIn(c, 'num_hidden_layers', 12) - 1;
        return [layers, 1, rows / layers, C];
      },
    },
  }),
  prefixes: ['vit.'],
  ignored: [/^pooler\./, /^(class_labels_classifier|bbox_predictor)\./],
  heads: {
    ObjectDetection: {
      choices: (c) => ({ reads: 'tokens', make: detectionHead(thingsIn(c)) }),
      weights: { 'head.classes.{l}': 'class_labels_classifier.layers.{l}', 'head.boxes.{l}': 'bbox_predictor.layers.{l}' },
    },
  },
});
