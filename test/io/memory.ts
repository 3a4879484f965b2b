/** What tests of files need: a safetensors file made by hand, folders in memory, and streams that behave as badly as they may. */
import { HeedError } from '../../dist/errors.js';
import type { ByteStream, Runtime } from '../../dist/runtime/types.js';

/** The file that a header and data make, however wrong they are. */
export function file(header: unknown, data: Uint8Array | number = 0, length?: bigint): Uint8Array {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = typeof data === 'number' ? new Uint8Array(data) : data;
  const whole = new Uint8Array(8 + text.length + bytes.length);
  new DataView(whole.buffer).setBigUint64(0, length ?? BigInt(text.length), true);
  whole.set(text, 8);
  whole.set(bytes, 8 + text.length);
  return whole;
}

/** A stream that gives at most `most` bytes at a time, and counts how often it was closed. */
export function streamOf(bytes: Uint8Array, { name = 'test.safetensors', size = true, most = Number.POSITIVE_INFINITY } = {}) {
  let at = 0;
  const stream: ByteStream & { closed: number } = {
    name,
    size: size ? bytes.length : undefined,
    closed: 0,
    read: async (target) => {
      const piece = bytes.subarray(at, at + Math.min(most, target.length));
      target.set(piece);
      at += piece.length;
      return piece.length;
    },
    close: async () => {
      stream.closed++;
    },
  };
  return stream;
}

/** The part of a runtime that reads files, over files in memory, by streams of this kind; `state` counts those that were opened and closed. */
export function memoryRuntime(files: Readonly<Record<string, Uint8Array | string>>, kind: { size?: boolean; most?: number } = {}) {
  const state = { opened: 0, closed: 0 };
  const runtime = {
    join: (folder: string, name: string) => `${folder}/${name}`,
    open: async (location: string, { signal }: { signal?: AbortSignal | undefined } = {}) => {
      signal?.throwIfAborted();
      const content = Object.hasOwn(files, location) ? files[location] : undefined;
      if (content === undefined) throw new HeedError('NOT_FOUND', `${location} does not exist`, { culprit: location });
      state.opened++;
      const stream = streamOf(typeof content === 'string' ? new TextEncoder().encode(content) : content, { name: location, ...kind });
      const close = stream.close;
      stream.close = () => {
        state.closed++;
        return close();
      };
      return stream;
    },
  } as unknown as Runtime;
  return { runtime, state };
}

/** The error that a promise or function ends in. */
export async function failureOf(run: () => unknown): Promise<HeedError> {
  try {
    await run();
  } catch (error) {
    if (error instanceof HeedError) return error;
    throw new Error(`not a HeedError: ${error}`, { cause: error });
  }
  throw new Error('it did not fail');
}
