/**
 * Safetensors for programs: reads a file, an index of shards, a folder or bytes to tensors by their names, and writes tensors to bytes, to a file, or to shards with
 * their index. Names and sizes of shards are as in huggingface_hub.
 */
import { checkOptions, HeedError, kindOf } from '../errors.js';
import type { OpenOptions, Runtime } from '../runtime/types.js';
import { type HostData, type HostDtype, HostTensor, sizeOf } from '../tensor.js';
import { readCheckpoint } from './checkpoint.js';
import { addressOf } from './given.js';
import { byteLength, joinSafetensors, pytorch, type SafetensorsEntry, writeSafetensors } from './safetensors_writer.js';
import type { Dtype } from './weights.js';
import { type TensorSource, weightsFolder } from './weights_folder.js';

/** Element types of files, with those of tensors: each type that is read has one. Half precision is widened, exactly. */
const kinds: Readonly<Record<string, readonly [type: string, of: new (buffer: ArrayBuffer) => ArrayBufferView]>> = {
  ...{ F64: ['float64', Float64Array], F32: ['float32', Float32Array], I64: ['int64', BigInt64Array], I32: ['int32', Int32Array] },
  ...{ I16: ['int16', Int16Array], I8: ['int8', Int8Array], U8: ['uint8', Uint8Array], BOOL: ['bool', Uint8Array] },
};

/** Converts the bits of a half-precision number to a number. */
function float16(bits: number): number {
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  const sign = bits & 0x8000 ? -1 : 1;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (exponent ? 2 ** (exponent - 25) * (1024 + fraction) : 2 ** -24 * fraction);
}

const widening: Readonly<Record<string, (halves: Uint16Array) => Float32Array>> = {
  F16: (halves) => Float32Array.from(halves, float16),
  BF16: (halves) => new Float32Array(Uint32Array.from(halves, (bits) => bits << 16).buffer),
};

function tensorOf(dtype: Dtype, bytes: Uint8Array<ArrayBuffer>, dims: readonly number[]): HostTensor {
  const widen = widening[dtype];
  const [type, Data] = kinds[widen ? 'F32' : dtype] as (typeof kinds)[string];
  const data = widen ? widen(new Uint16Array(bytes.buffer)) : new Data(bytes.buffer);
  return new HostTensor(type as HostDtype, data as HostData, [...dims]);
}

/** Options of readSafetensors. */
export interface ReadTensorsOptions extends Pick<OpenOptions, 'signal'> {
  /** Names of the tensors to read; others are skipped. Default: all. */
  names?: Iterable<string> | undefined;
}

/**
 * `readSafetensors` on a runtime: the tensors of a safetensors file, of an index of shards or of a folder, by their names. Half precision is widened to float32.
 * Throws FORMAT for an invalid file, MODEL_MISMATCH for one of `names` that is not there, NOT_FOUND, NETWORK, or `signal.reason`.
 */
export const bindRead =
  (runtime: Runtime) =>
  (source: TensorSource, options: ReadTensorsOptions = {}): Promise<Record<string, HostTensor>> =>
    readTensors(runtime, source, options);

async function readTensors(runtime: Runtime, source: TensorSource, options: ReadTensorsOptions): Promise<Record<string, HostTensor>> {
  checkOptions(options, ['names', 'signal'], 'readSafetensors');
  const { signal, names } = options;
  const wanted = names && new Set(names);
  const found: [string, HostTensor][] = [];
  const check = (tensors: readonly { name: string; file: string }[]) => {
    const there = new Set(tensors.map(({ name }) => name));
    for (const name of wanted ?? [])
      if (!there.has(name)) throw new HeedError('MODEL_MISMATCH', `${tensors[0]?.file ?? 'The file'} has no ${name}`, { culprit: name });
  };
  for await (const { name, dtype, shape, begin, end, read } of readCheckpoint(weightsFolder(runtime, source), { signal, check })) {
    if (wanted && !wanted.has(name)) continue;
    const bytes = new Uint8Array(end - begin);
    await read((chunk, offset) => bytes.set(chunk, offset));
    found.push([name, tensorOf(dtype, bytes, shape)]);
  }
  return Object.fromEntries(found);
}

/** Tensor to write: a host tensor, or any object that looks like one. */
export interface WritableTensor {
  /** Element type: 'float32', 'int64' … Default: that of the array `data`. */
  readonly type?: string;
  /** Elements in order, the last axis innermost: an array of the type, or numbers, which are float32 unless `type` says otherwise. */
  readonly data: ArrayBufferView | ArrayLike<number>;
  /** Length of each axis. */
  readonly dims: readonly number[];
}

/** Options of writeSafetensors. */
export interface WriteTensorsOptions {
  /** Metadata: texts by their names, which readers may ask for. Default: `format: 'pt'`, without which transformers accepts no file. */
  metadata?: Readonly<Record<string, string>> | undefined;
  /** Most bytes of a file, or '5GB', '200MB': larger models become shards with an index. Default: one file. */
  maxShardSize?: number | string | undefined;
}

type Tensors = Readonly<Record<string, WritableTensor>>;

/** Type of `writeSafetensors`. */
export interface WriteSafetensors {
  (tensors: Tensors, file?: undefined, options?: Pick<WriteTensorsOptions, 'metadata'>): Promise<Uint8Array<ArrayBuffer>>;
  (tensors: Tensors, file: string | URL, options?: WriteTensorsOptions): Promise<void>;
}

/**
 * `writeSafetensors` on a runtime: writes tensors by their names into a file, or, with `maxShardSize`, into shards and their index; without a file it returns the
 * bytes. Throws ARGUMENT for a value that is no tensor, DTYPE for a type that safetensors does not have, STORAGE, UNSUPPORTED where there are no files.
 */
export const bindWrite = (runtime: Runtime): WriteSafetensors =>
  (async (tensors: Tensors, file?: string | URL, options: WriteTensorsOptions = {}) => {
    checkOptions(options, file === undefined ? ['metadata'] : ['metadata', 'maxShardSize'], 'writeSafetensors');
    const { metadata = pytorch, maxShardSize } = options;
    const entries = entriesOf(tensors);
    if (file === undefined) return joinSafetensors(writeSafetensors(entries, metadata));
    return writeEntries(runtime, file, entries, metadata, maxShardSize);
  }) as WriteSafetensors;

/** Converts tensors to entries of a file. Throws ARGUMENT for a value that is no tensor, DTYPE for a type that safetensors does not have. */
function entriesOf(tensors: Tensors): SafetensorsEntry[] {
  if (typeof tensors !== 'object' || tensors === null)
    throw new HeedError('ARGUMENT', `writeSafetensors: tensors is ${kindOf(tensors)}`, {
      culprit: 'tensors',
      cure: 'Give tensors by their names',
    });
  return Object.entries(tensors).map(([name, given]) => {
    const { type, data: own, dims } = Object(given) as Partial<WritableTensor>;
    const data = Array.isArray(own) && type === undefined ? Float32Array.from(own) : own;
    const fits = Array.isArray(dims) && ArrayBuffer.isView(data) && sizeOf(dims) === (data as Float32Array).length;
    if (!fits)
      throw new HeedError('ARGUMENT', `writeSafetensors: ${name} is ${kindOf(given)}`, {
        culprit: name,
        cure: 'Give a tensor: data, a typed array, and dims that it fills',
      });
    const [dtype] = Object.entries(kinds).find(([, [own, Data]]) => data instanceof Data && (type === undefined || own === type)) ?? [];
    if (dtype) return { name, dtype, shape: dims, bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
    throw new HeedError('DTYPE', `writeSafetensors: ${name} is ${kindOf(type ?? data)}`, {
      culprit: name,
      shape: dims,
      cure: `A tensor is of ${Object.values(kinds).map(([name]) => name)}, and its data is of that`,
    });
  });
}

const units: Readonly<Record<string, number>> = {
  '': 1,
  K: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  KI: 2 ** 10,
  MI: 2 ** 20,
  GI: 2 ** 30,
  TI: 2 ** 40,
};

/** Number of bytes of a size such as '5GB', as huggingface_hub reads it. */
function bytesOf(size: number | string): number {
  const [, number, unit = ''] = /^(\d+)\s*(?:([KMGT]I?)?B)?$/.exec(String(size).toUpperCase()) ?? [];
  const bytes = Number(number) * (units[unit] as number);
  if (bytes >= 1 && Number.isSafeInteger(bytes)) return bytes;
  throw new HeedError('ARGUMENT', `maxShardSize is ${kindOf(size)}`, { culprit: 'maxShardSize', cure: "Give bytes, or '5GB'" });
}

/** Splits entries into shards: as many as fit, in their order; an entry that is larger than a shard gets one of its own. */
function shardsOf(entries: readonly SafetensorsEntry[], most: number): SafetensorsEntry[][] {
  const shards: SafetensorsEntry[][] = [[]];
  let size = 0;
  for (const entry of entries) {
    const length = byteLength(entry);
    if (size > 0 && size + length > most) {
      shards.push([]);
      size = 0;
    }
    shards.at(-1)?.push(entry);
    size += length;
  }
  return shards;
}

/** Writes entries to a file, or into shards beside it. */
async function writeEntries(
  runtime: Runtime,
  file: string | URL,
  entries: readonly SafetensorsEntry[],
  metadata: Readonly<Record<string, string>>,
  maxShardSize: number | string | undefined,
): Promise<void> {
  const address = addressOf(file);
  const [, stem] = /^(.*)\.safetensors$/.exec(address ?? '') ?? [];
  if (address === undefined || stem === undefined)
    throw new HeedError('ARGUMENT', `There is no file ${kindOf(address ?? file)} of tensors`, {
      culprit: 'file',
      cure: 'Its name ends in .safetensors',
    });
  const shards = maxShardSize === undefined ? [entries] : shardsOf(entries, bytesOf(maxShardSize));
  if (shards.length === 1) return void (await runtime.writeFile(address, writeSafetensors(entries, metadata)));
  const five = (number: number) => String(number).padStart(5, '0');
  const own = (stem.split(/[/\\]/).at(-1) as string) || 'model';
  const map: Record<string, string> = {};
  let total_size = 0;
  for (const [i, shard] of shards.entries()) {
    const ending = `-${five(i + 1)}-of-${five(shards.length)}.safetensors`;
    await runtime.writeFile(`${stem}${ending}`, writeSafetensors(shard, metadata));
    for (const entry of shard) {
      map[entry.name] = `${own}${ending}`;
      total_size += byteLength(entry);
    }
  }
  const index = JSON.stringify({ metadata: { total_size }, weight_map: map }, null, 2);
  await runtime.writeFile(`${address}.index.json`, [new TextEncoder().encode(`${index}\n`)]);
}
