/**
 * A model's weights as one sequence of named tensors, whether a folder keeps them in model.safetensors or in shards listed
 * by model.safetensors.index.json. Files are opened one at a time, read once, and closed however the visit ends.
 * Which tensors a model wants, and in which form, is the business of models.
 */
import { HeedError } from '../errors.js';
import type { ByteStream, OpenOptions, Runtime } from '../runtime/types.js';
import { malformed, quote } from './header.js';
import { JsonNode, readJson } from './json.js';
import { type Consume, type ReadOptions, SafetensorsFile, type TensorInfo } from './safetensors.js';

const SINGLE = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';

/** A tensor on its turn. Before the next one is asked for, `read` may be called once; not calling it passes over the tensor. */
export interface CheckpointTensor extends TensorInfo {
  /** The file it is in, for messages. */
  readonly file: string;
  read(consume: Consume, options?: ReadOptions): Promise<void>;
}

export interface Progress {
  /** The file being read. */
  file: string;
  /** Bytes of tensors so far. */
  loaded: number;
  /** Bytes of all tensors, where it is known. */
  total: number | undefined;
}

export interface CheckpointOptions extends OpenOptions {
  /** Called after each tensor and, in a long one, after each chunk. */
  onProgress?: ((progress: Progress) => void) | undefined;
}

/**
 * Visits every tensor of a checkpoint.
 * @example for await (const tensor of readCheckpoint(runtime, folder)) await tensor.read((chunk, offset) => …);
 */
export async function* readCheckpoint(
  runtime: Runtime,
  folder: string,
  options: CheckpointOptions = {},
): AsyncGenerator<CheckpointTensor, void> {
  const { signal, onProgress } = options;
  const single = await openIfThere(runtime, runtime.join(folder, SINGLE), options);
  const index = single ? undefined : await readIndex(runtime, folder, options);
  let total = index?.total;
  let before = 0;
  for (const shard of index?.shards.keys() ?? [SINGLE]) {
    const file = await SafetensorsFile.open(single ?? (await runtime.open(runtime.join(folder, shard), { signal })));
    try {
      const expected = index?.shards.get(shard);
      if (expected) checkShard(file, expected);
      else total = file.size;
      for (const tensor of file.tensors) {
        signal?.throwIfAborted();
        const report = (loaded: number) => onProgress?.({ file: file.name, loaded: before + loaded, total });
        yield {
          ...tensor,
          file: file.name,
          read: (consume, readOptions) =>
            file.read(
              tensor,
              (chunk, offset) => {
                const done = consume(chunk, offset);
                if (tensor.begin + offset + chunk.length < tensor.end) report(tensor.begin + offset + chunk.length);
                return done;
              },
              readOptions,
            ),
        };
        report(tensor.end);
      }
      before += file.size;
    } finally {
      await file.close();
    }
  }
}

async function openIfThere(runtime: Runtime, location: string, { signal }: OpenOptions): Promise<ByteStream | undefined> {
  try {
    return await runtime.open(location, { signal });
  } catch (error) {
    if (error instanceof HeedError && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
}

interface Index {
  /** Tensors by shard, shards in the order of their names. */
  shards: ReadonlyMap<string, ReadonlySet<string>>;
  total: number | undefined;
}

async function readIndex(runtime: Runtime, folder: string, { signal }: OpenOptions): Promise<Index> {
  const json = await readJson(runtime, folder, INDEX, { signal, optional: true });
  if (json === undefined) {
    const cure = 'Check the path; weights in another format must be converted to safetensors first';
    throw new HeedError('NOT_FOUND', `${folder} has neither ${SINGLE} nor ${INDEX}`, { culprit: folder, cure });
  }
  const location = runtime.join(folder, INDEX);
  const root = JsonNode.of(location, json);
  const shards = new Map<string, Set<string>>();
  for (const [tensor, shard] of Object.entries(root.object('weight_map').value)) {
    // A name with a path in it would read files outside of the folder.
    if (typeof shard !== 'string' || !/^[\w.-]+\.safetensors$/.test(shard))
      throw malformed(location, `tensor ${quote(tensor)} is not given the name of a safetensors file`, tensor);
    shards.set(shard, (shards.get(shard) ?? new Set()).add(tensor));
  }
  const total =
    root.get('metadata') === undefined ? undefined : root.object('metadata').integer('total_size', Number.MAX_SAFE_INTEGER, undefined);
  return { shards: new Map([...shards].sort(([a], [b]) => (a < b ? -1 : 1))), total };
}

/** The index and the shard must name the same tensors. */
function checkShard(file: SafetensorsFile, expected: ReadonlySet<string>): void {
  for (const name of expected)
    if (!file.header.has(name)) throw malformed(file.name, `it has no tensor ${quote(name)}, which the index promises`, name);
  for (const { name } of file.tensors)
    if (!expected.has(name)) throw malformed(file.name, `it has a tensor ${quote(name)} that the index does not give to it`, name);
}
