/**
 * The check of kernels that were compiled to vectors of 256 bits: products of every kind of weight with tiles of all sizes, and attention, on made-up numbers. What they
 * leave in memory must be what kernels of 128 bits leave. A runtime that can have such kernels compiled (runtime/node-wide.ts) asks for it once per module.
 */
import { instantiate } from './instantiate.js';
import * as kernels from './kernels.generated.js';
import type { Launch, Pointer } from './launch.js';
import { createMemory } from './memory.js';

const PAGE = 1 << 16;
/** Scratch memory, made-up float32, what is made of those, and results: addresses above the constants of the binaries. */
const [SCRATCH, FLOATS, MADE, RESULTS, END] = [PAGE, 3 * PAGE, 8 * PAGE, 12 * PAGE, 12 * PAGE + 4096] as const;

/** Chains of two blocks; panels in pairs, one that is left over, and a part of one. */
const [N, K] = [60, 2 * kernels.BLOCK] as const;
/** Rows of products: every tile, and what is left over behind the largest. */
const heights = [1, 2, 3, 4, 5, 6, 11];
const most = Math.max(...heights);
/** Addresses of x and w rounded to 8 bits, and to 4. */
const q8 = { x: MADE, w: MADE + 0x8000 };
const q4 = { x: MADE + PAGE, w: MADE + PAGE + 0x8000 };
const refused = MADE + 2 * PAGE;
const struct = (MADE + 3 * PAGE) as Pointer<'Attention'>;

const one = { tiles: 1, work: 0 };
const weights = { tiles: N, work: 0, refused, w: FLOATS, first: 0, blocks: K / kernels.BLOCK, K };
const preparations: readonly Launch[] = [
  kernels.quantize_q8({ ...weights, scratch: kernels.BLOCK, packed: q8.w }),
  kernels.quantize_i16({ ...one, tiles: most, y: q8.x, x: FLOATS, K }),
  kernels.quantize_q4({ ...weights, packed: q4.w }),
  kernels.quantize_i8({ ...one, tiles: most, y: q4.x, x: FLOATS, K }),
];

const product = { ...one, scratch: 32, y: RESULTS, bias: FLOATS + 4, residual: FLOATS + 400, N, K, panels: 8, activation: 0 };

/** More keys than a block of attention has, so that it goes on from sums that are there. */
const [T, S, D] = [most, kernels.KEYS + 12, 24] as const;
const shape = kernels.Attention({
  ...{ bias: 0, lengths: 0, offsets: 0, slopes: 0, mask: 0, pages: 0, most: 0, bytes: 0, H: 1, G: 1, T, S, D, Dv: D },
  ...{ qb: T * D, qh: D, qt: D, yb: T * D, yh: D, yt: D, bb: 0, bh: 0, bt: 0, left: S, right: S },
});
const operands = { stats: 0, q: FLOATS, k: FLOATS + PAGE, v: FLOATS + 2 * PAGE, at: struct };

/** What is compared, by the names that a reason gives it. */
const checks: Readonly<Record<string, readonly Launch[]>> = {
  'float32 products': heights.map((M) => kernels.matmul_f32({ ...product, x: FLOATS, w: FLOATS + PAGE, M, rows: M })),
  'products of 8-bit weights': heights.map((M) => kernels.matmul_q8({ ...product, ...q8, M, rows: M })),
  'products of 4-bit weights': heights.map((M) => kernels.matmul_q4({ ...product, ...q4, M, rows: M })),
  attention: [kernels.attention_f32({ ...one, ...operands, scratch: PAGE, y: RESULTS, scale: 0.2, cap: 0 })],
};

/** A module's kernels on a memory of their own. */
class Bench {
  readonly memory: Uint8Array<ArrayBufferLike>;
  readonly #kernels;

  constructor(module: WebAssembly.Module, shared: boolean) {
    const { wasm } = createMemory(shared, 16 * PAGE);
    this.memory = new Uint8Array(wasm.buffer);
    this.#kernels = instantiate(module, wasm).kernels;
  }

  run({ kernel, tiles, args, scratch }: Launch): void {
    this.#kernels[kernel]?.(0, tiles, ...(scratch ? [SCRATCH, ...args.slice(1)] : args));
  }

  /** What each launch leaves. */
  results(launches: readonly Launch[]): Uint8Array[] {
    return launches.map((launch) => {
      this.memory.fill(0, RESULTS, END);
      this.run(launch);
      return this.memory.slice(RESULTS, END);
    });
  }
}

/** Made-up numbers from −1 to 1, and what kernels make of them. */
function prepare(bench: Bench): void {
  const floats = new Float32Array(bench.memory.buffer, FLOATS, (MADE - FLOATS) / 4);
  let state = 1;
  for (let i = 0; i < floats.length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    floats[i] = state / 2 ** 31;
  }
  new Int32Array(bench.memory.buffer, struct, shape.length).set(shape);
  for (const launch of preparations) bench.run(launch);
}

const areSame = (a: Uint8Array, b: Uint8Array | undefined): boolean => a.every((byte, i) => byte === b?.[i]);

/** Prepares the check: `plain` computes what is right. The function that is returned tells which kernels of another module compute something else, if any do. */
export function checkAgainst(plain: WebAssembly.Module, shared: boolean): (wide: WebAssembly.Module) => string | undefined {
  const bench = new Bench(plain, shared);
  prepare(bench);
  const given = bench.memory.slice(FLOATS, RESULTS);
  const expected = Object.entries(checks).map(([name, launches]) => ({ name, launches, right: bench.results(launches) }));
  return (wide) => {
    const other = new Bench(wide, shared);
    other.memory.set(given, FLOATS);
    return expected.find(({ launches, right }) => !other.results(launches).every((result, i) => areSame(result, right[i])))?.name;
  };
}
