/** Bytes of a stream in pieces of a useful size: for HTTP responses, and for streams that a program gives. */

/** ReadableStream of bytes, which can be read once. The type asks for no more than is used, so that any runtime's stream fits. */
export interface StreamLike {
  getReader(): {
    read(): Promise<{ done: boolean; value?: unknown }>;
    cancel(reason?: unknown): Promise<unknown>;
  };
}

export interface Piece {
  done: boolean;
  /** Bytes, unless the stream has something else. The last piece may come with the end. */
  value?: unknown;
}

/** Bytes to read at once. Some runtimes otherwise return pieces of 4 KiB: workerd then takes 20 times as long. */
const PIECE = 1 << 20;

/**
 * Takes a stream's reader, and returns large pieces where the runtime can fill a buffer of ours, else pieces of the stream's own size. A piece is valid until the
 * next is asked for. Where `eager`, pieces are returned as they arrive. Throws where the stream already has a reader.
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

/** Read into a view. Runtimes that do not know `min` return the bytes at hand. */
type Read = (view: Uint8Array, options: { min: number }) => Promise<{ done: boolean; value?: Uint8Array }>;

/** Returns a reader that fills buffers; undefined where the stream is not one of bytes, or not the runtime's own. */
function fillingReader(stream: StreamLike): ReadableStreamBYOBReader | undefined {
  if (!(stream instanceof ReadableStream)) return undefined;
  try {
    return stream.getReader({ mode: 'byob' });
  } catch {
    return undefined;
  }
}
