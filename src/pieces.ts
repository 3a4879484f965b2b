/** A stream's bytes in pieces that are worth their while: for what comes over HTTP, and for streams that a program gives. */

/** A ReadableStream of bytes, which can be read once. The type asks for no more than is used, so that it is any runtime's. */
export interface StreamLike {
  getReader(): {
    read(): Promise<{ done: boolean; value?: unknown }>;
    cancel(reason?: unknown): Promise<unknown>;
  };
}

export interface Piece {
  done: boolean;
  /** Bytes, unless the stream is of something else. The last may come with the end. */
  value?: unknown;
}

/** How much is asked for at once. Some runtimes hand out bodies in pieces of 4 KiB otherwise: workerd then takes 20 times as long. */
const PIECE = 1 << 20;

/**
 * Takes a stream's reader, and gives large pieces where the runtime can fill a buffer of ours, else those that it has. A piece is gone when the next is asked
 * for. Where `eager`, they come as they are there. Throws where somebody else has the reader.
 */
export function piecesOf(stream: StreamLike | null, { eager = false } = {}): { next(): Promise<Piece>; cancel(): Promise<unknown> } {
  if (!stream) return { next: async () => ({ done: true }), cancel: async () => {} };
  const reader = eager ? undefined : fillingReader(stream);
  if (!reader) {
    const plain = stream.getReader();
    return { next: () => plain.read(), cancel: () => plain.cancel() };
  }
  let buffer: ArrayBufferLike = new ArrayBuffer(PIECE);
  const next = async (): Promise<Piece> => {
    const { done, value } = await (reader.read as Read).call(reader, new Uint8Array(buffer), { min: PIECE });
    if (value) buffer = value.buffer;
    return { done, value };
  };
  return { next, cancel: () => reader.cancel() };
}

/** Runtimes that do not know `min` give what they have. */
type Read = (view: Uint8Array, options: { min: number }) => Promise<{ done: boolean; value?: Uint8Array }>;

/** Undefined where a stream is not one of bytes, or not the runtime's own. */
function fillingReader(stream: StreamLike): ReadableStreamBYOBReader | undefined {
  if (!(stream instanceof ReadableStream)) return undefined;
  try {
    return stream.getReader({ mode: 'byob' });
  } catch {
    return undefined;
  }
}
