/**
 * The functions of assembly/math.ts, which no kernel exports by themselves, made callable from a test: a module of four loops
 * around them is compiled as the plain build is. Its source stands here and is never written to a file.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const root = fileURLToPath(new URL('../..', import.meta.url));
const names = ['exp', 'log', 'tanh', 'erf'] as const;
export type FunctionName = (typeof names)[number];
type Kernel = (x: number, n: number) => void;

const entry = 'assembly/every-float.ts';
const loops = names.map(
  (name) => `export function ${name}_all(x: usize, n: usize): void {
    for (; n; n -= 4, x += 16) v128.store(x, ${name}(v128.load(x)));
  }`,
);
const source = [`import { ${names.join(', ')} } from './math';`, ...loops].join('\n');

/** Each function over any number of floats. */
export async function compileMath(): Promise<Record<FunctionName, (x: Float32Array) => Float32Array>> {
  const messages: string[] = [];
  let binary: Uint8Array | undefined;
  const { error } = await asc.main([entry, '--config', 'asconfig.json', '--target', 'simd'], {
    stderr: { write: (text: string | Uint8Array) => messages.push(String(text)) > 0 },
    readFile: (file) => (file === entry ? source : read(join(root, file))),
    writeFile: (_, contents) => {
      binary = contents as Uint8Array;
    },
    listFiles: () => [],
  });
  if (error || !binary) throw new Error(messages.join('') || String(error));
  const memory = new WebAssembly.Memory({ initial: 1 });
  const { instance } = await WebAssembly.instantiate(binary as Uint8Array<ArrayBuffer>, { env: { memory } });
  const functions = names.map((name) => [name, over(memory, instance.exports[`${name}_all`] as Kernel)] as const);
  return Object.fromEntries(functions) as Record<FunctionName, (x: Float32Array) => Float32Array>;
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

/** Through a window of the memory, above the constants. */
function over(memory: WebAssembly.Memory, kernel: Kernel): (x: Float32Array) => Float32Array {
  const [at, room] = [32768, 8192];
  const view = new Float32Array(memory.buffer, at, room);
  return (x) => {
    const y = new Float32Array(x.length);
    for (let i = 0; i < x.length; i += room) {
      view.fill(1).set(x.subarray(i, i + room));
      kernel(at, room);
      y.set(view.subarray(0, Math.min(room, x.length - i)), i);
    }
    return y;
  };
}
