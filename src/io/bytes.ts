/** Bytes in memory, and streams that can be read once: as streams for readers of files, and joined. */
import { HeedError, kindOf } from '../errors.js';
import { piecesOf, type StreamLike } from '../pieces.js';
import type { ByteStream, OpenOptions } from '../runtime/types.js';

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

/**
 * Returns a function that opens a ReadableStream: once, and before that for its front, which is kept for the second opening. Throws ARGUMENT where the stream was
 * read before, or has something else than bytes.
 */
export function onceStream(stream: StreamLike, name: string): (file: string, options?: OpenOptions) => Promise<ByteStream> {
  let pieces: ReturnType<typeof piecesOf> | undefined;
  /** Pieces that the reader of the front has taken. */
  const kept: Uint8Array[] = [];
  let read = false;
  const spent = (cause?: unknown) =>
    new HeedError('ARGUMENT', `${name} was read already, and a ReadableStream can be read once`, {
      culprit: name,
      cure: 'Give a Blob or bytes, or a new stream',
      cause,
    });
  return async (_, { signal, bytes } = {}) => {
    if (read) throw spent();
    read = bytes === undefined;
    try {
      pieces ??= piecesOf(stream);
    } catch (cause) {
      throw spent(cause);
    }
    const { next, cancel } = pieces;
    let turn = 0;
    let rest = new Uint8Array(0);
    return {
      name,
      size: undefined,
      async read(target) {
        while (rest.length === 0) {
          signal?.throwIfAborted();
          const known = kept[turn++];
          const { done, value } = known ? { done: false, value: known } : await next();
          if (done && !(value as Uint8Array | undefined)?.length) return 0;
          if (!(value instanceof Uint8Array))
            throw new HeedError('ARGUMENT', `The stream of ${name} gave ${kindOf(value)}`, {
              culprit: name,
              cure: 'It must give Uint8Arrays',
            });
          rest = (read || known ? value : value.slice()) as typeof rest;
          if (!read && !known) kept.push(rest);
        }
        const count = Math.min(rest.length, target.length);
        target.set(rest.subarray(0, count));
        rest = rest.subarray(count);
        return count;
      },
      close: async () => {
        if (read) await cancel().catch(() => {});
      },
    };
  };
}

/** Concatenates pieces. */
export function concatenated(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((bytes, { length }) => bytes + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
