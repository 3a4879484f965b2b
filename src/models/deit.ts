/** DeiT (Touvron et al., arXiv 2012.12877): ViT with a second token, which was to say what a teacher says. */
import type { JsonNode } from '../io/json.js';
import { likeVit } from './vit.js';

/** Whether the second token has a head of its own. */
const hasTeacher = (c: JsonNode): boolean => c.array('architectures', []).some((name) => name === 'DeiTForImageClassificationWithTeacher');

/** DeiT's model_type 'deit', for `registerArchitecture`: an encoder of pictures. */
export const deit = /* @__PURE__ */ likeVit('deit', 'DeiT', ['cls', 'distillation'], {
  className: (c) => `ImageClassification${hasTeacher(c) ? 'WithTeacher' : ''}`,
  choices: (c) => ({ reads: 'first', second: hasTeacher(c) }),
  weights: (c) =>
    hasTeacher(c) ? { 'head.out': 'cls_classifier', 'head.second': 'distillation_classifier' } : { 'head.out': 'classifier' },
});
