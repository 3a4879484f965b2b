/**
 * A model's weights as one sequence of named tensors, whether a folder keeps them in model.safetensors or in shards listed
 * by model.safetensors.index.json. Files are opened one at a time, read once, and closed however the visit ends.
 * Which tensors a model wants, and in which form, is the business of models.
 */
import { HeedError } from '../errors.js';
import type { ByteStream, OpenOptions } from '../runtime/types.js';
import type { Folder } from './folder.js';
import { malformed, quote } from './header.js';
import { JsonNode, readJson } from './json.js';
import { type Consume, type ReadOptions, SafetensorsFile, type TensorInfo } from './safetensors.js';

const SINGLE = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';

/** What a header says of a tensor, and the file that says it. */
export interface CheckpointEntry extends TensorInfo {
  /** For messages. */
  readonly file: string;
}

/** A tensor on its turn. Before the next one is asked for, `read` may be called once; not calling it passes over the tensor. */
export interface CheckpointTensor extends CheckpointEntry {
  read(consume: Consume, options?: ReadOptions): Promise<void>;
}

export interface Progress {
  /** The file being read. */
  file: string;
  /** Bytes of tensors so far. */
  loaded: number;
  /** Bytes of all tensors. */
  total: number;
}

export interface CheckpointOptions extends OpenOptions {
  /** Sees all tensors of all files before any is read; what it throws ends the visit. */
  check?: ((tensors: readonly CheckpointEntry[]) => void) | undefined;
  /** Called after each tensor and, in a long one, after each chunk. */
  onProgress?: ((progress: Progress) => void) | undefined;
}

/**
 * Visits every tensor of a checkpoint. The headers of all shards are read first, which costs each shard a second opening and spares
 * whoever has the wrong model the download of the right one's weights.
 * @example for await (const tensor of readCheckpoint(folder)) await tensor.read((chunk, offset) => …);
 */
export async function* readCheckpoint(
  folder: Folder,
  { signal, check, onProgress }: CheckpointOptions = {},
): AsyncGenerator<CheckpointTensor, void> {
  const single = await openIfThere(folder, SINGLE, { signal });
  const whole = single && (await SafetensorsFile.open(single));
  const shards = whole ? [] : [...(await readIndex(folder, { signal }))];
  const files = whole
    ? [async () => whole]
    : shards.map(
        ([shard, names]) =>
          () =>
            openShard(folder, shard, names, signal),
      );
  let file = whole;
  try {
    const entries: CheckpointEntry[] = [];
    for (const open of files) {
      file = await open();
      for (const tensor of file.tensors) entries.push({ ...tensor, file: file.name });
      if (!whole) await file.close();
    }
    check?.(entries);
    const total = entries.reduce((bytes, { begin, end }) => bytes + end - begin, 0);
    let before = 0;
    for (const open of files) {
      file = await open();
      const { name, size } = file;
      yield* visit(file, (loaded) => onProgress?.({ file: name, loaded: before + loaded, total }), signal);
      before += size;
      await file.close();
    }
  } finally {
    await file?.close();
  }
}

/** The tensors of one file in turn. */
async function* visit(
  file: SafetensorsFile,
  report: (loaded: number) => void,
  signal: AbortSignal | undefined,
): AsyncGenerator<CheckpointTensor, void> {
  for (const tensor of file.tensors) {
    signal?.throwIfAborted();
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
  await file.end();
}

/** Opens a shard that holds the tensors which the index gives to it, and no others. */
async function openShard(
  folder: Folder,
  shard: string,
  expected: ReadonlySet<string>,
  signal: AbortSignal | undefined,
): Promise<SafetensorsFile> {
  const file = await SafetensorsFile.open(await folder.open(shard, { signal }));
  try {
    for (const name of expected)
      if (!file.header.has(name)) throw malformed(file.name, `it has no tensor ${quote(name)}, which the index promises`, name);
    for (const { name } of file.tensors)
      if (!expected.has(name)) throw malformed(file.name, `it has a tensor ${quote(name)} that the index does not give to it`, name);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function openIfThere(folder: Folder, file: string, { signal }: OpenOptions): Promise<ByteStream | undefined> {
  try {
    return await folder.open(file, { signal });
  } catch (error) {
    if (error instanceof HeedError && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
}

/** The names of each shard's tensors, shards in the order of their own names. */
type Shards = ReadonlyMap<string, ReadonlySet<string>>;

async function readIndex(folder: Folder, { signal }: OpenOptions): Promise<Shards> {
  const json = await readJson(folder, INDEX, { signal, optional: true });
  const { name } = folder;
  if (json === undefined) {
    const cure = 'Check the path; weights in another format must be converted to safetensors first';
    throw new HeedError('NOT_FOUND', `${name} has neither ${SINGLE} nor ${INDEX}`, { culprit: name, cure });
  }
  const root = JsonNode.of(folder.locate(INDEX), json);
  const shards = new Map<string, Set<string>>();
  for (const [tensor, shard] of Object.entries(root.object('weight_map').value)) {
    // A name with a path in it would read files outside of the folder.
    if (typeof shard !== 'string' || !/^[\w.-]{1,200}\.safetensors$/.test(shard))
      throw malformed(root.file, `tensor ${quote(tensor)} is not given the name of a safetensors file`, tensor);
    shards.set(shard, (shards.get(shard) ?? new Set()).add(tensor));
  }
  return new Map([...shards].sort(([a], [b]) => (a < b ? -1 : 1)));
}
