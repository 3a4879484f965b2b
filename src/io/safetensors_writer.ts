/**
 * Writing of safetensors files from front to back: the header from the names of all tensors, then the bytes of one tensor after the other, so that a model of any
 * size passes through the memory of its largest tensor. The result are chunks; a runtime writes them to a file, or `joinSafetensors` joins them into one array.
 * Format: https://github.com/huggingface/safetensors#format
 */
import { HeedError, kindOf } from '../errors.js';
import type { HostTensor, Shape } from '../tensor.js';
import { bytesPerElement, parseHeader, quote, readable } from './header.js';
import type { Dtype } from './weights.js';

/** Tensor to write. `bytes`, row-major and little-endian, is read once, on the tensor's turn: a getter may make them then. */
export interface SafetensorsEntry {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** Metadata without which transformers accepts no file: the tensors are PyTorch's. */
export const pytorch: Readonly<Record<string, string>> = { format: 'pt' };

/** Entry of a float32 tensor, whose numbers `values` returns on its turn. */
export const floatEntry = (name: string, shape: Shape, values: () => HostTensor): SafetensorsEntry => ({
  ...{ name, dtype: 'F32', shape },
  get bytes() {
    const { buffer, byteOffset, byteLength } = values().data;
    return new Uint8Array(buffer, byteOffset, byteLength);
  },
});

/**
 * Yields the chunks of a file. Large elements come first, as in the format's own library, so that every tensor begins at a multiple of its element's size; tensors
 * with elements of one size stay in their order. Throws ARGUMENT for a repeated name, for metadata that are no texts, and for bytes that do not fill their shape,
 * UNSUPPORTED for a dtype that heed does not read.
 */
export function* writeSafetensors(
  entries: Iterable<SafetensorsEntry>,
  metadata: Readonly<Record<string, string>> = {},
): Generator<Uint8Array, void> {
  const sorted = [...entries].sort((a, b) => bytesPerElement(b.dtype) - bytesPerElement(a.dtype));
  yield headerOf(sorted, metadata);
  for (const entry of sorted) {
    const { bytes } = entry;
    const length = byteLength(entry);
    if (bytes.length !== length) throw wrong(entry, `has ${bytes.length} bytes, [${entry.shape}] of ${entry.dtype} are ${length}`);
    yield bytes;
  }
}

/** Number of bytes of a tensor. */
export const byteLength = ({ dtype, shape }: SafetensorsEntry): number => shape.reduce((n, d) => n * d, bytesPerElement(dtype));

/** Makes the header: length, JSON, and spaces up to a multiple of 8 bytes. */
function headerOf(entries: readonly SafetensorsEntry[], metadata: Readonly<Record<string, string>>): Uint8Array {
  if (typeof metadata !== 'object' || !Object.values(metadata ?? [0]).every((text) => typeof text === 'string'))
    throw new HeedError('ARGUMENT', `safetensors: metadata is ${kindOf(metadata)}`, {
      culprit: 'metadata',
      cure: 'Give texts by their names',
    });
  const members: [string, unknown][] = Object.keys(metadata).length ? [['__metadata__', metadata]] : [];
  const names = new Set(['__metadata__']);
  let at = 0;
  for (const entry of entries) {
    const { name, dtype, shape } = entry;
    if (!readable.includes(dtype)) throw new HeedError('UNSUPPORTED', `heed does not write ${String(dtype)}`, { culprit: name });
    const end = at + byteLength(entry);
    if (!shape.every((d) => Number.isSafeInteger(d) && d >= 0) || !Number.isSafeInteger(end)) throw wrong(entry, `cannot be [${shape}]`);
    if (names.has(name)) throw wrong(entry, 'comes twice');
    names.add(name);
    members.push([name, { dtype, shape, data_offsets: [at, end] }]);
    at = end;
  }
  // The JSON is joined by hand: an object would put names that are numbers first.
  const json = `{${members.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join()}}`;
  const text = new TextEncoder().encode(json);
  const length = Math.ceil(text.length / 8) * 8;
  const header = new Uint8Array(8 + length).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(length), true);
  header.set(text, 8);
  return header;
}

/** Joins the chunks of a file into one array. Its header, which comes first, tells the length of the file: no byte is held twice. */
export function joinSafetensors(chunks: Iterable<Uint8Array>): Uint8Array<ArrayBuffer> {
  let whole = new Uint8Array(0);
  let at = 0;
  for (const chunk of chunks) {
    if (at === 0) whole = new Uint8Array(chunk.length + (parseHeader(chunk.subarray(8), 'header').tensors.at(-1)?.end ?? 0));
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

const wrong = ({ name, shape }: SafetensorsEntry, what: string) =>
  new HeedError('ARGUMENT', `safetensors: tensor ${quote(name)} ${what}`, { culprit: name, shape });
