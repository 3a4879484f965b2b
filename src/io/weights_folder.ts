/** Where tensors are that a program asks for: one safetensors file, an index of shards, a folder, or bytes. Each becomes a folder as checkpoint.ts reads them. */
import { HeedError, kindOf } from '../errors.js';
import type { Runtime } from '../runtime/types.js';
import { type Folder, folderAt } from './folder.js';
import { addressOf, filesIn, givenFolder, isFile, type ModelFile, type ModelFiles } from './given.js';

const SINGLE = 'model.safetensors';
const INDEX = `${SINGLE}.index.json`;

/**
 * Where tensors are: the path or URL of a safetensors file, of an index of shards (`….safetensors.index.json`), or of a folder that has `model.safetensors` or its index; a file's
 * bytes, as a `Uint8Array`, `ArrayBuffer`, `Blob` or `ReadableStream`; or shards and their index by their names.
 */
export type TensorSource = string | URL | ModelFile | ModelFiles;

/** Such a source as a folder in which `readCheckpoint` finds its way. Throws ARGUMENT for what is none. */
export function weightsFolder(runtime: Runtime, source: TensorSource): Folder {
  const address = addressOf(source);
  if (address === undefined || address === '') {
    if (typeof source === 'object' && source !== null)
      return givenFolder(runtime, isFile(source) ? { [SINGLE]: source } : filesIn(source as ModelFiles));
    throw new HeedError('ARGUMENT', `There are no tensors in ${kindOf(source)}`, {
      culprit: 'source',
      cure: 'Give the path or URL of a safetensors file, of its index or folder, or its bytes',
    });
  }
  const location = runtime.resolve(address);
  const kind = /\.(safetensors|json)$/.exec(location.replace(/[?#].*$/, ''))?.[1];
  return kind ? fileAlone(runtime, location, kind === 'json' ? INDEX : SINGLE) : folderAt(runtime, location);
}

/** A folder that has one file under the name by which it is looked for, whatever its own is, and shards beside it. */
function fileAlone(runtime: Runtime, location: string, as: string): Folder {
  const beside = (file: string) => location.replace(/[^/\\]*$/, file);
  const locate = (file: string) => (file === as ? location : beside(file));
  return {
    name: location,
    locate,
    async open(file, options) {
      if (file === SINGLE && as === INDEX) throw new HeedError('NOT_FOUND', `${location} is an index`, { culprit: file });
      return runtime.open(locate(file), options);
    },
  };
}
