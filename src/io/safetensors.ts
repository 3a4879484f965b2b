/** Safetensors: the header, a length and JSON, at the front of a file of tensors. Format: https://github.com/huggingface/safetensors#format */
import type { ByteStream } from '../runtime/types.js';
import { concatenated } from './bytes.js';
import { malformed, parseHeader, quote, readable } from './header.js';
import { shown } from './location.js';
import { Staging } from './staging.js';
import { TensorFile } from './tensor_file.js';
import type { Header, TensorInfo } from './weights.js';

/** Most bytes of a header, as in the reference implementation. */
const LONGEST_HEADER = 100_000_000;

export type SafetensorsFile = TensorFile<ReadonlyMap<string, string>>;

/** Reads and checks the header. Closes the stream if that fails; else the file's `close` does. */
export async function openSafetensors(stream: ByteStream): Promise<SafetensorsFile> {
  const staging = new Staging(stream);
  try {
    return new TensorFile(staging, await headerOf(stream, (bytes) => staging.copy(bytes)), { readable, padded: false });
  } catch (error) {
    await staging.close();
    throw error;
  }
}

/** Reads the header alone, of a stream that is read no further. */
export function readHeader(stream: ByteStream): Promise<Header> {
  return headerOf(stream, async (bytes) => {
    const pieces: Uint8Array[] = [];
    // Memory grows with the bytes that arrive, not with the number asked for.
    for (let left = bytes; left > 0; ) {
      const piece = new Uint8Array(Math.min(left, 1 << 16));
      const count = await stream.read(piece);
      if (count === 0) break;
      pieces.push(piece.subarray(0, count));
      left -= count;
    }
    return concatenated(pieces);
  });
}

/** Takes the header from the front of a stream, and checks it. */
async function headerOf({ size, name: location }: ByteStream, next: (bytes: number) => Promise<Uint8Array>): Promise<Header> {
  const name = shown(location);
  const length = headerLength(await next(8), name);
  if (size !== undefined && length > size - 8) throw malformed(name, `its header of ${length} bytes is longer than the file`);
  const bytes = await next(length);
  if (bytes.length < length) throw malformed(name, `it ends within the header, after ${8 + bytes.length} bytes`);
  const header = parseHeader(bytes, name);
  if (size !== undefined) checkSize(header.tensors, size - 8 - length, name);
  return header;
}

/** Reads the header's length, a 64-bit little-endian integer at the beginning of the file. */
function headerLength(bytes: Uint8Array, file: string): number {
  if (bytes.length < 8) throw malformed(file, `it has ${bytes.length} bytes, too few for a safetensors file`);
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  if (length > LONGEST_HEADER) throw malformed(file, 'it does not begin with the length of a header; it is not a safetensors file');
  return length;
}

/** Checks that the header accounts for every byte of the file. */
function checkSize(tensors: readonly TensorInfo[], available: number, file: string): void {
  const end = tensors.at(-1)?.end ?? 0;
  const cut = tensors.find((tensor) => tensor.end > available);
  if (cut)
    throw malformed(
      file,
      `it is truncated within tensor ${quote(cut.name)}: ${available} bytes of data where the header describes ${end}`,
      cut.name,
    );
  if (end < available) throw malformed(file, `it has ${available - end} bytes that its header does not describe`);
}
