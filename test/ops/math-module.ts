/**
 * The functions of assembly/math.ts, which no kernel exports by themselves, made callable from a test: a module of four loops
 * around them is compiled as the plain build is. Its source stands here and is never written to a file.
 */
import { compiled } from './kernels-of.js';

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
  const binary = await compiled(entry, (file, text) => (file === entry ? source : text));
  const memory = new WebAssembly.Memory({ initial: 1 });
  const { instance } = await WebAssembly.instantiate(binary, { env: { memory } });
  const functions = names.map((name) => [name, over(memory, instance.exports[`${name}_all`] as Kernel)] as const);
  return Object.fromEntries(functions) as Record<FunctionName, (x: Float32Array) => Float32Array>;
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
