/** How a model wants pictures or sounds: preprocessor_config.json, or a member of processor_config.json, into which transformers 5 saves it with the rest of a processor. */
import type { OpenOptions } from '../runtime/types.js';
import type { Folder } from './folder.js';
import { JsonNode, readJson } from './json.js';

/** Members of processor_config.json. */
export type Preprocessor = 'image_processor' | 'feature_extractor';

/** The settings of a folder, of the first of these that there is. Throws NOT_FOUND where there are none, FORMAT. */
export async function preprocessorOf(folder: Folder, which: readonly Preprocessor[], { signal }: OpenOptions = {}): Promise<JsonNode> {
  const [file, whole] = ['preprocessor_config.json', 'processor_config.json'];
  const own = await readJson(folder, file, { signal, optional: true });
  if (own !== undefined) return JsonNode.of(folder.locate(file), own);
  const all = JsonNode.of(folder.locate(whole), (await readJson(folder, whole, { signal, optional: true })) ?? {});
  const one = which.find((name) => all.get(name) !== undefined);
  if (one) return all.object(one);
  // Reading the missing file throws NOT_FOUND.
  return JsonNode.of(folder.locate(file), await readJson(folder, file, { signal }));
}
