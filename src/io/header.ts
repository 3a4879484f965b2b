/**
 * The header of a safetensors file: names, types and places of its tensors. The header is not trusted: one that passes these checks describes every byte of the file
 * exactly once, as the reference implementation demands, so that a reader needs no further checks. Format: https://github.com/huggingface/safetensors#format
 */
import { HeedError } from '../errors.js';
import { isObject, type JsonObject, parseJson } from './json.js';
import type { Dtype, Header, TensorInfo } from './weights.js';

/** Bits per element of every type that the format had when this was written; a file may have other types, too. */
const bits = {
  ...{ F64: 64, F32: 32, F16: 16, BF16: 16, I64: 64, I32: 32, I16: 16, I8: 8, U8: 8, BOOL: 8 },
  ...{ U64: 64, U32: 32, U16: 16, C64: 64, F8_E4M3: 8, F8_E5M2: 8, F8_E8M0: 8, F6_E2M3: 6, F6_E3M2: 6, F4: 4 },
} as const;
/** Types that heed reads. Others may be in a file as long as nobody asks for them. */
export const readable: readonly Dtype[] = ['F64', 'F32', 'F16', 'BF16', 'I64', 'I32', 'I16', 'I8', 'U8', 'BOOL'];

/** Number of bytes per element of a readable type. */
export const bytesPerElement = (dtype: Dtype): number => bitsOf(dtype) / 8;

const bitsOf = (dtype: string): number => (Object.hasOwn(bits, dtype) ? bits[dtype as keyof typeof bits] : Number.NaN);

/** Quotes a name, shortened: it comes from the file and may be anything. */
export const quote = (name: string): string => JSON.stringify(name.length > 120 ? `${name.slice(0, 120)}…` : name);

/** Parses and checks a header; `file` is named in errors. */
export function parseHeader(bytes: Uint8Array, file: string): Header {
  // The format requires the brace; this check also refuses a byte order mark.
  if (bytes[0] !== 0x7b) throw malformed(file, 'its header does not begin with {');
  const root = parseJson(bytes, `${file}: the header`);
  if (!isObject(root)) throw malformed(file, 'its header is not an object');
  const tensors: TensorInfo[] = [];
  let metadata: ReadonlyMap<string, string> = new Map();
  let members = 0;
  for (const [name, value] of Object.entries(root)) {
    members++;
    if (name === '__metadata__') {
      metadata = readMetadata(value, file);
      members += metadata.size;
    } else {
      tensors.push(readEntry(name, value, file));
      members += 3;
    }
  }
  // JSON.parse keeps the last of two members of one name, other readers the first.
  if (members !== countMembers(bytes)) throw malformed(file, 'its header gives one name twice');
  tensors.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let end = 0;
  for (const tensor of tensors) {
    if (tensor.begin !== end) {
      const what = tensor.begin < end ? 'overlaps the tensor before it' : `leaves a gap of ${tensor.begin - end} bytes before it`;
      throw malformed(file, `tensor ${quote(tensor.name)} ${what}`, tensor.name);
    }
    end = tensor.end;
  }
  return { tensors, metadata };
}

function readEntry(name: string, entry: unknown, file: string): TensorInfo {
  const bad = (what: string) => malformed(file, `tensor ${quote(name)} ${what}`, name);
  if (!isObject(entry) || Object.keys(entry).sort().join() !== 'data_offsets,dtype,shape')
    throw bad('must have dtype, shape and data_offsets, and no more');
  const { dtype, shape, data_offsets: offsets } = entry as JsonObject;
  if (typeof dtype !== 'string') throw bad('has a dtype that is not a name');
  if (!isSizes(shape)) throw bad('has a shape that is not a list of at most 32 whole numbers');
  if (!isSizes(offsets) || offsets.length !== 2) throw bad('has data_offsets that are not two whole numbers');
  const [begin, end] = offsets as [number, number];
  // The length of a tensor of an unknown type follows from its offsets alone.
  const known = Object.hasOwn(bits, dtype);
  if (!known && end < begin) throw bad(`has data_offsets [${offsets}], the end before the beginning`);
  const length = known ? (shape.reduce((product, size) => product * size, 1) * bitsOf(dtype)) / 8 : end - begin;
  if (!Number.isSafeInteger(length)) throw bad(`of shape [${shape}] has no length in bytes`);
  if (end - begin !== length) throw bad(`of shape [${shape}] and ${dtype} needs ${length} bytes but its data_offsets are [${offsets}]`);
  return { name, dtype, block: [1, bytesPerElement(dtype)], shape, begin, end };
}

/** `true` for a list of sizes of at most 32 axes, enough for any model: a list of thousands would be an attack on code that prints it. */
function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.length <= 32 && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

function readMetadata(value: unknown, file: string): ReadonlyMap<string, string> {
  const entries = isObject(value) ? Object.entries(value) : [['', undefined] as const];
  if (!entries.every((entry): entry is [string, string] => typeof entry[1] === 'string'))
    throw malformed(file, '__metadata__ must hold strings');
  return new Map(entries);
}

/** Counts the members in the text, repeated ones included: its colons outside of strings. */
function countMembers(bytes: Uint8Array): number {
  let count = 0;
  let colon = bytes.indexOf(0x3a);
  // The loop jumps from string to string: a loop over bytes would wake V8's optimizing compiler, which costs 2 MB and 3 ms at the start of a process.
  for (let at = 0; ; ) {
    const open = bytes.indexOf(0x22, at);
    for (; colon >= 0 && (colon < open || open < 0); colon = bytes.indexOf(0x3a, colon + 1)) count++;
    if (open < 0) return count;
    let close = open;
    do close = bytes.indexOf(0x22, close + 1);
    while (escaped(bytes, close));
    at = close + 1;
    if (colon >= 0 && colon < at) colon = bytes.indexOf(0x3a, at);
  }
}

/** `true` where an odd number of backslashes precedes. */
function escaped(bytes: Uint8Array, at: number): boolean {
  let before = at;
  while (bytes[before - 1] === 0x5c) before--;
  return (at - before) % 2 === 1;
}

/** Makes a FORMAT error; `tensor` is the culprit where there is one with a name. */
export function malformed(file: string, what: string, tensor = ''): HeedError {
  return new HeedError('FORMAT', `${file}: ${what}`, { culprit: tensor || file });
}
