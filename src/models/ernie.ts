/** ERNIE (Sun et al., arXiv 1904.09223): BERT, trained with masked phrases. ERNIE 2.0's task types are not supported. */
import { likeBert } from './bert.js';
import { bertChoices } from './bert_family.js';
import { unsupported } from './config.js';

/** ERNIE's model_type 'ernie', for `registerArchitecture`: an encoder. */
export const ernie = /* @__PURE__ */ likeBert('ernie', 'Ernie', (c) => {
  if (c.boolean('use_task_id', false)) throw unsupported(c, 'use_task_id', 'embeddings for types of tasks, which heed does not have');
  return bertChoices(c);
});
