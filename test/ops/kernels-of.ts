/** Kernels as a test wants them: compiled by asc from sources that it changes on the way, in its memory. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const root = fileURLToPath(new URL('../..', import.meta.url));

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

/** The plain binary of an entry, where `change` has its say on each source; it gets undefined for a file that there is not. */
export async function compiled(
  entry: string,
  change: (file: string, text: string | null) => string | null,
  args: readonly string[] = [],
): Promise<Uint8Array<ArrayBuffer>> {
  const messages: string[] = [];
  let binary: Uint8Array | undefined;
  const { error } = await asc.main([entry, '--config', 'asconfig.json', '--target', 'simd', ...args], {
    stderr: { write: (text: string | Uint8Array) => messages.push(String(text)) > 0 },
    readFile: (file) => change(file, read(join(root, file))),
    writeFile: (_, contents) => {
      binary = contents as Uint8Array;
    },
    listFiles: () => [],
  });
  if (error || !binary) throw new Error(messages.join('') || String(error));
  return binary as Uint8Array<ArrayBuffer>;
}
