/** Sources of tensors for programs: one safetensors file, an index of shards, a folder, or bytes. Each becomes a folder that checkpoint.ts reads. */
import { HeedError, kindOf } from '../errors.js';
import type { Runtime } from '../runtime/types.js';
import { type Folder, folderAt } from './folder.js';
import { addressOf, filesIn, givenFolder, isFile, type ModelFile, type ModelFiles } from './given.js';

const SINGLE = 'model.safetensors';
const INDEX = `${SINGLE}.index.json`;

/**
 * Source of tensors: the path or URL of a safetensors file, of an index of shards (`….safetensors.index.json`), or of a folder that has `model.safetensors` or its
 * index; a file's bytes, as a `Uint8Array`, `ArrayBuffer`, `Blob` or `ReadableStream`; or shards and their index by their names.
 */
export type TensorSource = string | URL | ModelFile | ModelFiles;

/** Returns a source as a folder that `readCheckpoint` can read. Throws ARGUMENT for a value that is no source. */
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

/** Returns a folder that has one file under the name `as`, whatever its own name, and shards beside it. */
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
