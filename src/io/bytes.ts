/** Bytes in memory as a stream, for what reads files. */
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
