/** Texts that commands read as a whole, and files that they write: completely or not at all, with parent folders made where needed. */
import { HeedError } from '../errors.js';
import type { Runtime } from '../runtime/types.js';

/** Writes a text. Throws STORAGE where it cannot be written. */
export async function writeText(runtime: Runtime, path: string, text: string): Promise<void> {
  await runtime.writeFile(path, [new TextEncoder().encode(text)]);
}

/** A file's or a URL's text, UTF-8. Throws NOT_FOUND, NETWORK. */
export async function readText(runtime: Runtime, location: string): Promise<string> {
  const stream = await runtime.open(location);
  try {
    const decoder = new TextDecoder();
    const piece = new Uint8Array(1 << 16);
    let text = '';
    for (let read = await stream.read(piece); read > 0; read = await stream.read(piece))
      text += decoder.decode(piece.subarray(0, read), { stream: true });
    return text + decoder.decode();
  } finally {
    await stream.close();
  }
}

/** Result of `reading`, or undefined where the file does not exist. */
export const ifThere = <T>(reading: Promise<T>): Promise<T | undefined> =>
  reading.catch((error: unknown) => {
    if (error instanceof HeedError && error.code === 'NOT_FOUND') return undefined;
    throw error;
  });
