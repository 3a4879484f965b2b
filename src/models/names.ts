/** Tables of names: heed's modules, and what checkpoints call them. */
import type { Names } from './architecture.js';

/** Names of modules that stand below one of heed's, and one of a checkpoint's. */
export const below = (own: string, theirs: string, names: Names): Names =>
  Object.fromEntries(Object.entries(names).map(([mine, other]) => [`${own}.${mine}`, `${theirs}.${other}`]));

/** The tensors of a checkpoint whose rows a parameter of heed's stacks; undefined where its architecture does not say. */
export function tensorsOf(names: Names, key: string): readonly string[] | undefined {
  const [, layer = ''] = /\.(\d+)\./.exec(key) ?? [];
  const general = key.replace(/\.\d+\./, '.{l}.');
  const [, module = '', part = ''] = /^(.*)[._](weight|bias)$/.exec(general) ?? [];
  const name = names[general] ?? (names[module] && `${names[module]}.${part}`);
  if (!name) return undefined;
  const [, before, parts, behind] = /^(.*)\{(.*,.*)\}(.*)$/.exec(name.replace('{l}', layer)) ?? [];
  return parts ? parts.split(',').map((one) => before + one + behind) : [name.replace('{l}', layer)];
}
