/**
 * sentence-transformers' modules.json: the modules of a model, in the order in which they run, and the folders of their files. The first is the Transformer, whose
 * own files may be in an inner folder.
 */
import { HeedError } from '../errors.js';
import type { OpenOptions } from '../runtime/types.js';
import type { Folder } from './folder.js';
import { quote } from './header.js';
import { JsonNode, readJson } from './json.js';
import { isObserved } from './progress.js';

/** Most characters of a module's path. */
const LONGEST = 255;

/** Module, by its Python class, and the inner folder of its files; '' is the model's own. */
export interface ModuleEntry {
  readonly type: string;
  readonly path: string;
}

/** Reads the modules of a folder; undefined where there is no modules.json. Throws FORMAT. */
export async function modulesOf(folder: Folder, options: OpenOptions = {}): Promise<readonly ModuleEntry[] | undefined> {
  const modules = await readJson(folder, 'modules.json', { ...options, optional: true });
  if (modules === undefined) return undefined;
  const root = JsonNode.of(folder.locate('modules.json'), { modules });
  return root.objects('modules').map((module) => {
    const path = module.string('path', '');
    const parts = path.split('/').filter((part) => part !== '' && part !== '.');
    // Such a path would read outside of the folder, have a query in a URL, or be invalid on a disk.
    if (path.length > LONGEST || path.startsWith('/') || parts.some((part) => part === '..' || !/^[\w. -]+$/.test(part)))
      throw new HeedError('FORMAT', `${root.file} gives the path ${quote(path)}`, { culprit: root.file });
    return { type: module.string('type'), path: parts.join('/') };
  });
}

const isTransformer = ({ type }: ModuleEntry): boolean => /(^|\.)Transformer$/.test(type);

/** Returns the folder of the Transformer's files among the modules: the model's folder, or an inner one. */
export function transformerIn<F extends Folder>(folder: F, modules: readonly ModuleEntry[] | undefined): F {
  const path = modules?.find(isTransformer)?.path;
  return path ? folderIn(folder, path) : folder;
}

/** Returns an inner folder; messages name it like the outer one. */
export function folderIn<F extends Folder>(folder: F, path: string): F;
export function folderIn(folder: Folder, path: string): Folder {
  const below = (file: string) => `${path}/${file}`;
  const { list } = folder;
  const inside: Folder = {
    name: `${folder.name}/${path}`,
    remote: folder.remote,
    locate: (file) => folder.locate(below(file)),
    open: (file, options) => folder.open(below(file), options),
    ...(list && {
      list: async (options) =>
        (await list.call(folder, options)).flatMap((file) => (file.startsWith(below('')) ? file.slice(path.length + 1) : [])),
    }),
  };
  if (!isObserved(folder)) return inside;
  const progress: typeof folder.progress = (file, loaded, total) => folder.progress(below(file), loaded, total);
  return Object.assign(inside, { unobserved: folderIn(folder.unobserved, path), progress });
}
