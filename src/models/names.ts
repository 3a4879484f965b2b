/** Tables of names: heed's modules, and their names in checkpoints. */
import type { LayoutMaker, Names, StoredTensor } from './architecture.js';

type Entry = string | StoredTensor;

/** Name of a module in a checkpoint. */
export const nameOf = (entry: Entry): string => (typeof entry === 'string' ? entry : entry.name);

const renamed = (entry: Entry, name: string): Entry => (typeof entry === 'string' ? name : { ...entry, name });

/** Names of modules, with a prefix before heed's and one before a checkpoint's. */
export const below = (own: string, theirs: string, names: Names): Names =>
  Object.fromEntries(Object.entries(names).map(([mine, other]) => [`${own}.${mine}`, renamed(other, `${theirs}.${nameOf(other)}`)]));

/** A tensor of a checkpoint, and how it has the rows of a parameter. */
export interface SpeltTensor {
  name: string;
  transposed: boolean;
  layout?: LayoutMaker | undefined;
  shape?: StoredTensor['shape'];
}

/** Tensors of a checkpoint whose rows a parameter of heed's stacks; undefined where its architecture does not name them. */
export function tensorsOf(names: Names, key: string): readonly SpeltTensor[] | undefined {
  const [, layer = ''] = /\.(\d+)\./.exec(key) ?? [];
  const general = key.replace(/\.\d+\./, '.{l}.');
  const [, module = '', part = ''] = /^(.*)[._](weight|bias|running_\w+)$/.exec(general) ?? [];
  const own = names[general];
  const entry = own ?? names[module];
  if (!entry) return undefined;
  const { transposed = false, layout, shape } = typeof entry === 'string' ? ({} as StoredTensor) : entry;
  const axes = shape && (own || part === 'weight') ? { shape } : {};
  const name = (own ? nameOf(own) : `${nameOf(entry)}.${part}`).replace('{l}', layer);
  const [, before, parts, behind] = /^(.*)\{(.*,.*)\}(.*)$/.exec(name) ?? [];
  const all = parts ? parts.split(',').map((one) => `${before}${one}${behind}`) : [name];
  return all.map((name) => ({ name, transposed, layout, ...axes }));
}
