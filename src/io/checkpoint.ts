/**
 * A model's weights as one sequence of named tensors, whether a folder has them in model.safetensors or in shards listed by model.safetensors.index.json. Files are
 * opened one at a time, read once, and closed however the visit ends. The models select the tensors, and their form.
 */
import { HeedError } from '../errors.js';
import type { ByteStream, OpenOptions } from '../runtime/types.js';
import type { Folder } from './folder.js';
import { malformed, quote } from './header.js';
import { JsonNode, readJson } from './json.js';
import { shown } from './location.js';
import { openSafetensors, readHeader, type SafetensorsFile } from './safetensors.js';
import type { Checkpoint, CheckpointEntry, CheckpointHeaders, CheckpointOptions, CheckpointTensor, TensorInfo } from './weights.js';

const SINGLE = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';

/** Weights of a folder: its own checkpoint, or safetensors. */
export const checkpointIn = (folder: Folder): Checkpoint =>
  folder.weights ?? {
    headers: (options) => readHeaders(folder, options),
    tensors: (options) => readCheckpoint(folder, options),
  };

/**
 * Visits every tensor of a checkpoint. The headers of all shards are read first, which costs each shard a second opening and saves a user with the wrong model the
 * download of its weights.
 * @example for await (const tensor of readCheckpoint(folder)) await tensor.read((chunk, offset) => …);
 */
export async function* readCheckpoint(
  folder: Folder,
  { signal, check, onProgress }: CheckpointOptions = {},
): AsyncGenerator<CheckpointTensor, void> {
  // The front of a file that is downloaded as a whole is checked first.
  const front = folder.remote && (await openIfThere(folder, SINGLE, { signal, bytes: FRONT }));
  if (front) check?.((await entriesOf(front)).tensors);
  const single = await openIfThere(folder, SINGLE, { signal });
  const whole = single && (await openSafetensors(single));
  const shards = whole ? [] : [...(await readIndex(folder, { signal }))];
  let file = whole;
  try {
    const entries: CheckpointEntry[] = [];
    if (whole) entries.push(...whole.tensors.map((tensor) => ({ ...tensor, file: whole.name })));
    for (const [shard, names] of shards) entries.push(...(await headerEntries(folder, shard, names, signal)).tensors);
    if (!front) check?.(entries);
    const files = whole
      ? [[SINGLE, async () => whole] as const]
      : shards.map(([shard, names]) => [shard, () => openShard(folder, shard, names, signal)] as const);
    for (const [name, open] of files) {
      file = await open();
      const { size: total } = file;
      yield* visit(file, (loaded) => onProgress?.({ file: name, loaded, total }), signal);
      await file.close();
    }
  } finally {
    await file?.close();
  }
}

/** Bytes of a file to request first, for its header: that of 100 tensors has 10 kB. */
const FRONT = 1 << 16;

/** Reads the headers of a checkpoint without its weights: of a remote file no more than its front is fetched. Throws as `readCheckpoint` does. */
export async function readHeaders(folder: Folder, { signal }: OpenOptions = {}): Promise<CheckpointHeaders> {
  const single = await openIfThere(folder, SINGLE, { signal, bytes: FRONT });
  const whole = single && (await entriesOf(single));
  if (whole) return whole;
  const tensors: CheckpointEntry[] = [];
  let bytes = 0;
  for (const [shard, names] of await readIndex(folder, { signal })) {
    const own = await headerEntries(folder, shard, names, signal);
    tensors.push(...own.tensors);
    bytes += own.bytes ?? Number.NaN;
  }
  return { tensors, bytes: Number.isNaN(bytes) ? undefined : bytes };
}

/** Reads a header, and closes the stream. */
async function entriesOf(stream: ByteStream): Promise<CheckpointHeaders> {
  try {
    const { tensors } = await readHeader(stream);
    const file = shown(stream.name);
    return { tensors: tensors.map((tensor) => ({ ...tensor, file })), bytes: stream.size };
  } finally {
    await stream.close();
  }
}

/** Reads the header of a shard, and checks that it has exactly the tensors that the index gives to it. */
async function headerEntries(
  folder: Folder,
  shard: string,
  expected: ReadonlySet<string>,
  signal: AbortSignal | undefined,
): Promise<CheckpointHeaders> {
  const found = await entriesOf(await folder.open(shard, { signal, bytes: FRONT }));
  checkShard(found.tensors[0]?.file ?? shown(folder.locate(shard)), found.tensors, expected);
  return found;
}

/** Yields the tensors of one file in turn. */
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

/** Opens a shard for its weights. */
async function openShard(
  folder: Folder,
  shard: string,
  expected: ReadonlySet<string>,
  signal: AbortSignal | undefined,
): Promise<SafetensorsFile> {
  const file = await openSafetensors(await folder.open(shard, { signal }));
  try {
    checkShard(file.name, file.tensors, expected);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Throws FORMAT unless a shard has exactly the tensors that the index gives to it. */
function checkShard(file: string, tensors: readonly TensorInfo[], expected: ReadonlySet<string>): void {
  const names = new Set(tensors.map(({ name }) => name));
  for (const name of expected)
    if (!names.has(name)) throw malformed(file, `it has no tensor ${quote(name)}, which the index promises`, name);
  for (const name of names)
    if (!expected.has(name)) throw malformed(file, `it has a tensor ${quote(name)} that the index does not give to it`, name);
}

async function openIfThere(folder: Folder, file: string, options: OpenOptions): Promise<ByteStream | undefined> {
  try {
    return await folder.open(file, options);
  } catch (error) {
    if (error instanceof HeedError && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
}

/** Weight formats that heed does not read: pattern of the files' names, the usual first file, and the format's name. */
const others: readonly (readonly [RegExp, string, string])[] = [
  [/\.onnx$/, 'onnx/model.onnx', 'ONNX'],
  [/(^|\/)pytorch_model.*\.bin$/, 'pytorch_model.bin', 'PyTorch'],
  [/\.gguf$/, '', 'GGUF'],
  [/\.h5$/, 'tf_model.h5', 'TensorFlow'],
  [/\.msgpack$/, 'flax_model.msgpack', 'Flax'],
];

/** Makes the error for a folder without safetensors: the formats that it has instead, where that can be told, and the cure. */
async function withoutWeights(folder: Folder, signal: AbortSignal | undefined): Promise<HeedError> {
  const { name } = folder;
  const files = await folder.list?.({ signal }).catch(() => undefined);
  const has = async (file: string) => {
    const stream = file && (await openIfThere(folder, file, { signal, bytes: 1 }).catch(() => undefined));
    if (stream) await stream.close();
    return stream ? file : undefined;
  };
  for (const [pattern, usual, format] of others) {
    const file = files ? files.find((one) => pattern.test(one)) : await has(usual);
    if (!file) continue;
    return new HeedError('UNSUPPORTED', `${name} has its weights for ${format} only (${quote(file)}), and heed reads safetensors`, {
      culprit: name,
      cure: "Take the model that it was made from, or convert that: in Python, AutoModel.from_pretrained(…).save_pretrained('folder')",
    });
  }
  // An abort may have cut the search short.
  signal?.throwIfAborted();
  const cure = 'Check the path; weights in another format must be converted to safetensors first';
  return new HeedError('NOT_FOUND', `${name} has neither ${SINGLE} nor ${INDEX}`, { culprit: name, cure });
}

/** Names of each shard's tensors, shards in the order of their own names. */
type Shards = ReadonlyMap<string, ReadonlySet<string>>;

async function readIndex(folder: Folder, { signal }: OpenOptions): Promise<Shards> {
  const json = await readJson(folder, INDEX, { signal, optional: true });
  if (json === undefined) throw await withoutWeights(folder, signal);
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
