/**
 * A cache as bytes, and back: a safetensors file with the tokens and, for each layer, keys [G, T, D] and values [G, T, Dv], float32. The metadata have the model's sizes and
 * a checksum. The file has no weights; instead its first tokens are read once more on loading, and must give the keys and values of the file.
 */
import { HeedError } from '../errors.js';
import { byteStream } from '../io/bytes.js';
import { malformed } from '../io/header.js';
import { openSafetensors, type SafetensorsFile } from '../io/safetensors.js';
import { joinSafetensors, type SafetensorsEntry, writeSafetensors } from '../io/safetensors_writer.js';
import type { Decoder } from '../models/decoder.js';
import type { DecoderState } from '../models/decoder_state.js';
import { KVCache } from '../nn/cache.js';
import { HostTensor, type Tensor, tensor } from '../tensor.js';
import type { Read } from './past.js';

/** A model that reads, as users have it. */
export interface Reader {
  readonly module: Decoder;
  run<T>(steps: () => Generator<unknown, T>, signal?: AbortSignal): Promise<T>;
}

/** Name of a cache in errors, and the format name in a file's metadata. */
const [NAME, FORMAT] = ['the cache', 'heed-cache-1'];
/** Number of tokens that loading reads once more. */
const PROBE = 8;
/** Largest difference of keys, or values, relative to the largest number among a layer's. Relaxed SIMD and 8-bit products stay far below, other weights do not. */
const TOLERANCE = 1e-2;

const nameOf = (l: number, part: 'keys' | 'values') => `layers.${l}.${part}`;
const sizesOf = ({ dims }: Decoder) => JSON.stringify(dims);
const bytesOf = ({ data }: HostTensor) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

/** FNV-1a over words: a checksum that every changed word changes. */
function checksum(parts: readonly Uint8Array[]): string {
  let sum = 0x811c9dc5;
  for (const { buffer, byteOffset, byteLength } of parts)
    for (const word of new Uint32Array(buffer, byteOffset, byteLength / 4)) sum = Math.imul(sum ^ word, 0x01000193);
  return (sum >>> 0).toString(16);
}

export function written({ ids, state }: Read, module: Decoder): Uint8Array<ArrayBuffer> {
  const layers = attentionsOf(state);
  const entries: SafetensorsEntry[] = [
    { name: 'input_ids', dtype: 'I32', shape: [ids.length], bytes: new Uint8Array(Int32Array.from(ids).buffer) },
    ...layers.flatMap((cache, l) => {
      const parts = cache.toHost(0);
      return (['keys', 'values'] as const).map((part) => {
        const x = parts[part];
        return { name: nameOf(l, part), dtype: 'F32' as const, shape: x.dims, bytes: bytesOf(x) };
      });
    }),
  ];
  const metadata = { format: FORMAT, model: sizesOf(module), checksum: checksum(entries.map(({ bytes }) => bytes)) };
  return joinSafetensors(writeSafetensors(entries, metadata));
}

/** Throws FORMAT for bytes that are none, or damaged, MODEL_MISMATCH for those of another model, MEMORY. */
export async function readFrom(model: Reader, bytes: Uint8Array): Promise<Read> {
  const { module } = model;
  const file = await openSafetensors(byteStream(bytes, NAME));
  try {
    const { ids, tensors } = await contentsOf(file, module);
    return await model.run(() => restored(module, ids, tensors));
  } finally {
    await file.close();
  }
}

/** The keys and values of a state's layers. Throws UNSUPPORTED where a layer remembers something else. */
function attentionsOf({ self }: DecoderState): readonly KVCache[] {
  const layers = self.filter((cache) => cache instanceof KVCache);
  if (layers.length === self.length) return layers;
  throw new HeedError('UNSUPPORTED', `${NAME} of a model with convolutions is not saved: they remember their last tokens alone`, {
    culprit: 'past_key_values',
    cure: 'Read the text again',
  });
}

type Tensors = ReadonlyMap<string, HostTensor>;

async function contentsOf(file: SafetensorsFile, module: Decoder): Promise<{ ids: number[]; tensors: Tensors }> {
  const { metadata } = file;
  const { positions, V } = module.dims;
  if (metadata.get('format') !== FORMAT) throw malformed(NAME, 'its metadata do not say that it is one');
  if (metadata.get('model') !== sizesOf(module))
    throw otherModel(`its model has the sizes ${metadata.get('model')?.slice(0, 200)}, this one ${sizesOf(module)}`);
  const tensors = new Map<string, HostTensor>();
  const parts: Uint8Array[] = [];
  for (const info of file.tensors) {
    if (info.dtype !== 'F32' && info.dtype !== 'I32') throw malformed(NAME, `tensor ${info.name} is ${info.dtype}`, info.name);
    const part = await file.bytes(info);
    parts.push(part);
    tensors.set(info.name, new HostTensor('float32', new Float32Array(part.buffer as ArrayBuffer), [...info.shape]));
  }
  if (checksum(parts) !== metadata.get('checksum')) throw malformed(NAME, 'its checksum is another: it is damaged');
  const ids = [...new Int32Array((tensors.get('input_ids')?.data.buffer as ArrayBuffer | undefined) ?? [])];
  if (!ids.length || ids.length > positions || ids.some((id) => id < 0 || id >= V))
    throw malformed(NAME, 'it has no tokens of this model', 'input_ids');
  return { ids, tensors };
}

/** A state with those keys and values. */
function* restored(module: Decoder, ids: readonly number[], tensors: Tensors): Generator<void, Read> {
  const T = ids.length;
  if (!module.readsAlike(1, T))
    throw new HeedError('UNSUPPORTED', `${NAME} has ${T} tokens, and the positions of this model depend on how long a text is`, {
      culprit: NAME,
      cure: 'Save shorter texts',
    });
  const first = ids.slice(0, PROBE);
  const [probe, state] = [module.start(), module.start()];
  try {
    const { logits } = yield* module.decode(Int32Array.from(first), [1, first.length], probe, { last: 0 });
    logits.dispose();
    for (const [l, cache] of attentionsOf(probe).entries()) expectAlike(cache, l, T, tensors);
    yield* state.step([1, T], function* () {
      for (const [l, cache] of attentionsOf(state).entries()) {
        yield;
        const enter = (part: 'keys' | 'values'): Tensor => {
          const { data, dims } = tensors.get(nameOf(l, part)) as HostTensor;
          return tensor(module.engine, data as Float32Array, [1, ...dims]);
        };
        module.engine.scope(() => cache.append(enter('keys'), enter('values')));
      }
    });
    return { ids, state };
  } catch (error) {
    state.dispose();
    throw error;
  } finally {
    probe.dispose();
  }
}

/** Throws where a layer's keys and values of the first tokens are not those of the file. */
function expectAlike(cache: KVCache, l: number, T: number, tensors: Tensors): void {
  for (const [part, { data, dims }] of Object.entries(cache.toHost(0))) {
    const name = nameOf(l, part as 'keys' | 'values');
    const other = tensors.get(name);
    const [G = 0, n = 0, D = 0] = dims;
    if (other?.dims.join() !== [G, T, D].join()) throw malformed(NAME, `it has no ${name} of [${[G, T, D]}]`, name);
    let [most, far] = [0, 0];
    for (let g = 0; g < G; g++)
      for (let i = 0; i < n * D; i++) {
        const x = data[g * n * D + i] as number;
        most = Math.max(most, Math.abs(x));
        far = Math.max(far, Math.abs(x - (other.data[g * T * D + i] as number)));
      }
    if (!(far <= TOLERANCE * most)) throw otherModel('a model with these weights reads its first tokens otherwise');
  }
}

const otherModel = (why: string) =>
  new HeedError('MODEL_MISMATCH', `${NAME} is not of this model: ${why}`, {
    culprit: NAME,
    cure: 'Load it into the model that read it, in the same dtype',
  });
