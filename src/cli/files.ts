/** Files that commands write: whole or not at all, the folders above them made where there are none. */
import type { Runtime } from '../runtime/types.js';

/** Throws STORAGE where it cannot be written. */
export async function writeText(runtime: Runtime, path: string, text: string): Promise<void> {
  await runtime.writeFile(path, [new TextEncoder().encode(text)]);
}
