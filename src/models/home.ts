/** The folder of a model's own files: the given one, or the folder inside it that sentence-transformers' modules.json names (`0_Transformer`). */
import type { Folder } from '../io/folder.js';
import { isObject, JsonNode, readJson } from '../io/json.js';
import { modulesOf, transformerIn } from '../io/modules.js';
import type { OpenOptions } from '../runtime/types.js';

/** Folder of the weights, and its config.json. Throws NOT_FOUND, FORMAT. */
export async function homeOf<F extends Folder>(folder: F, options: Pick<OpenOptions, 'signal'>): Promise<{ folder: F; config: JsonNode }> {
  const own = await readJson(folder, 'config.json', { ...options, optional: true });
  // The oldest sentence-transformers models have a config.json beside modules.json with a version alone.
  const isModel = own !== undefined && !(isObject(own) && Object.hasOwn(own, '__version__') && !Object.hasOwn(own, 'model_type'));
  const home = isModel ? folder : transformerIn(folder, await modulesOf(folder, options));
  const json = home === folder && own !== undefined ? own : await readJson(home, 'config.json', options);
  return { folder: home, config: JsonNode.of(home.locate('config.json'), json) };
}
