/** Every case. Whoever walks them all reads this list; whoever needs one imports it from its family's file. */
import { activationCases } from './activation.js';
import { attentionCase, attentionWeightsCase } from './attention.js';
import { convolutionCase } from './convolution.js';
import { dropoutCase } from './dropout.js';
import { addCase, maskToBiasCase, mulCase, scaleCase } from './elementwise.js';
import { embeddingCase, packCase, packedEmbeddingCase } from './embedding.js';
import { linearCase, plainLinearCase } from './linear.js';
import { crossEntropyCase } from './loss.js';
import { elementLossCases } from './loss_elements.js';
import { matmulCase } from './matmul.js';
import { layerNormCase, rmsNormCase } from './norm.js';
import { quantizeCase, quantizedEmbeddingCase, quantizedLinearCase } from './quantize.js';
import { meanCase, sumCase } from './reduce.js';
import { rotaryCase } from './rotary.js';
import { viewCase } from './shape.js';
import { logSoftmaxCase, softmaxCase } from './softmax.js';
import type { OpCase } from './types.js';

export const cases: readonly OpCase[] = [
  linearCase,
  plainLinearCase,
  quantizedLinearCase,
  matmulCase,
  convolutionCase,
  attentionCase,
  attentionWeightsCase,
  softmaxCase,
  logSoftmaxCase,
  layerNormCase,
  rmsNormCase,
  ...activationCases,
  addCase,
  mulCase,
  scaleCase,
  maskToBiasCase,
  embeddingCase,
  packedEmbeddingCase,
  packCase,
  quantizedEmbeddingCase,
  quantizeCase,
  rotaryCase,
  dropoutCase,
  crossEntropyCase,
  ...elementLossCases,
  sumCase,
  meanCase,
  viewCase,
];
