/** A tokenizer.json that lower-cases texts, for sentence-transformers' do_lower_case: before all other normalizers, unless one of them lower-cases already. */
import { isObject, JsonNode } from '../io/json.js';

export function lowered(root: JsonNode): JsonNode {
  const normalizer = root.get('normalizer');
  const own = isObject(normalizer) && normalizer.type === 'Sequence' ? normalizer.normalizers : normalizer && [normalizer];
  const steps: readonly unknown[] = Array.isArray(own) ? own : [];
  if (steps.some((step) => isObject(step) && step.type === 'Lowercase')) return root;
  const normalizers = [{ type: 'Lowercase' }, ...steps];
  return new JsonNode(root.file, root.path, { ...root.value, normalizer: { type: 'Sequence', normalizers } });
}
