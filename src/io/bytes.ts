/** Bytes in memory: as a stream, for what reads files, and put together. */
import type { ByteStream } from '../runtime/types.js';

export function byteStream(bytes: Uint8Array, name: string): ByteStream {
  let at = 0;
  return {
    name,
    size: bytes.length,
    async read(target) {
      const piece = bytes.subarray(at, at + target.length);
      target.set(piece);
      at += piece.length;
      return piece.length;
    },
    async close() {},
  };
}

/** Pieces, one behind the other. */
export function concatenated(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((bytes, { length }) => bytes + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
