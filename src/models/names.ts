/** Tables of names: heed's modules, and what checkpoints call them. */
import type { LayoutMaker, Names, StoredTensor } from './architecture.js';

type Entry = string | StoredTensor;

/** What a checkpoint calls a module. */
export const nameOf = (entry: Entry): string => (typeof entry === 'string' ? entry : entry.name);

const renamed = (entry: Entry, name: string): Entry => (typeof entry === 'string' ? name : { ...entry, name });

/** Names of modules that stand below one of heed's, and one of a checkpoint's. */
export const below = (own: string, theirs: string, names: Names): Names =>
  Object.fromEntries(Object.entries(names).map(([mine, other]) => [`${own}.${mine}`, renamed(other, `${theirs}.${nameOf(other)}`)]));

/** A tensor of a checkpoint, and how it has the rows of a parameter. */
export interface SpeltTensor {
  name: string;
  transposed: boolean;
  layout?: LayoutMaker | undefined;
}

/** The tensors of a checkpoint whose rows a parameter of heed's stacks; undefined where its architecture does not say. */
export function tensorsOf(names: Names, key: string): readonly SpeltTensor[] | undefined {
  const [, layer = ''] = /\.(\d+)\./.exec(key) ?? [];
  const general = key.replace(/\.\d+\./, '.{l}.');
  const [, module = '', part = ''] = /^(.*)[._](weight|bias)$/.exec(general) ?? [];
  const own = names[general];
  const entry = own ?? names[module];
  if (!entry) return undefined;
  const { transposed = false, layout } = typeof entry === 'string' ? ({} as StoredTensor) : entry;
  const name = (own ? nameOf(own) : `${nameOf(entry)}.${part}`).replace('{l}', layer);
  const [, before, parts, behind] = /^(.*)\{(.*,.*)\}(.*)$/.exec(name) ?? [];
  const all = parts ? parts.split(',').map((one) => `${before}${one}${behind}`) : [name];
  return all.map((name) => ({ name, transposed, layout }));
}
