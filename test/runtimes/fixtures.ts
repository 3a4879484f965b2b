/** Fixtures as checks read them: files through heed's own runtime, so that paths and URLs are one, tensors out of safetensors, digests. */
import type { Engine } from 'heed';
import type { Numbers } from '../cases/types.js';

export type Named = Readonly<Record<string, Numbers>>;

/** A file's bytes. */
export async function readBytes(engine: Engine, location: string): Promise<Uint8Array> {
  const stream = await engine.runtime.open(location);
  const pieces: Uint8Array[] = [];
  try {
    for (;;) {
      const piece = new Uint8Array(1 << 16);
      const count = await stream.read(piece);
      if (count === 0) break;
      pieces.push(piece.subarray(0, count));
    }
  } finally {
    await stream.close();
  }
  const bytes = new Uint8Array(pieces.reduce((n, piece) => n + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

export const readJson = async (engine: Engine, location: string): Promise<unknown> =>
  JSON.parse(new TextDecoder().decode(await readBytes(engine, location)));

const arrays = {
  F32: (bytes: ArrayBuffer) => new Float32Array(bytes),
  I32: (bytes: ArrayBuffer) => new Int32Array(bytes),
  I16: (bytes: ArrayBuffer) => Int32Array.from(new Int16Array(bytes)),
  U8: (bytes: ArrayBuffer) => new Uint8Array(bytes),
} as const;

interface Entry {
  dtype: keyof typeof arrays;
  shape: number[];
  data_offsets: [begin: number, end: number];
}

/** A safetensors file: eight bytes that count the header's, the header in JSON, the numbers. */
export function parseSafetensors(bytes: Uint8Array): Named {
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const header: Record<string, Entry> = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  const entries = Object.entries(header).filter(([name]) => name !== '__metadata__');
  return Object.fromEntries(
    entries.map(([name, { dtype, shape, data_offsets }]) => {
      const [begin, end] = data_offsets;
      // A copy, since elements need not be aligned in the file; not `slice`, which is a view where the bytes are Node's Buffer.
      const data = arrays[dtype](new Uint8Array(bytes.subarray(8 + length + begin, 8 + length + end)).buffer);
      return [name, { data, dims: shape }];
    }),
  );
}

/** FNV-1a over the bits of float32 numbers, −0 and every NaN included as they are. */
export class Digest {
  #state = 0x811c9dc5;

  add(numbers: Float32Array): void {
    for (const word of new Uint32Array(numbers.buffer, numbers.byteOffset, numbers.length))
      this.#state = Math.imul(this.#state ^ word, 0x01000193) >>> 0;
  }

  get hex(): string {
    return this.#state.toString(16).padStart(8, '0');
  }
}
