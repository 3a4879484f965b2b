/** Launches are typed: what the compiler of TypeScript refuses of them, what is read off the kernels' sources, and what a binary is refused for. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import binaryen from 'assemblyscript/binaryen';
import { afterAll, describe, expect, it } from 'vitest';
import { Engine } from '../../dist/engine/engine.js';
import { Attention, add_f32, copy_rows, matmul_f32, pack_f32 } from '../../dist/engine/kernels.generated.js';
import { nodeRuntime } from '../../dist/runtime/node.js';
import { kernelsModule } from '../../scripts/kernels.mjs';
import { failureOf } from '../io/memory.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const temporary = mkdtempSync(join(tmpdir(), 'heed-launch-'));
afterAll(() => rmSync(temporary, { recursive: true }));

/** Lines of a program, and what the compiler must say to each; nothing, where it must not complain. */
const programs: readonly (readonly [what: string, line: string, complaint: RegExp | undefined])[] = [
  ['all arguments', 'fill_f32({ tiles: 1, work: 1, y: 0, n: 4, a: 0 })', undefined],
  ['another order of them', 'fill_f32({ a: 0, n: 4, y: 0, work: 1, tiles: 1 })', undefined],
  ['an argument less', 'fill_f32({ tiles: 1, work: 1, y: 0, n: 4 })', /Property 'a' is missing/],
  ['an argument more', 'fill_f32({ tiles: 1, work: 1, y: 0, n: 4, a: 0, b: 0 })', /'b' does not exist/],
  ['one by another name', 'fill_f32({ tiles: 1, work: 1, y: 0, N: 4, a: 0 })', /'N' does not exist/],
  ['no tiles', 'fill_f32({ work: 1, y: 0, n: 4, a: 0 })', /Property 'tiles' is missing/],
  ['one that may not be there', 'fill_f32({ tiles: 1, work: 1, y: 0, n: [4][0], a: 0 })', /'undefined' is not assignable to type 'number'/],
  ['places instead of names, in which two may be swapped', 'fill_f32(0, 4, 0)', /Expected 1 arguments, but got 3/],
  ['a list', 'fill_f32([1, 1, 0, 4, 0])', /not assignable to parameter/],
  ["a kernel's arguments to another", 'fill_f32(scale)', /Property 'n' is missing|not assignable/],
  [
    'no scratch where a kernel works in it',
    'dropout_f32({ tiles: 1, work: 1, y: 0, x: 0, n: 4, mask: 0 })',
    /Property 'scratch' is missing/,
  ],
  ['scratch where it works in none', 'fill_f32({ tiles: 1, work: 1, scratch: 64, y: 0, n: 4, a: 0 })', /'scratch' does not exist/],
  [
    'a number instead of a struct',
    'attention_weights_f32({ ...weights, at: 64 })',
    /'number' is not assignable to type 'Pointer<"Attention">'/,
  ],
  ['a struct', 'attention_weights_f32({ ...weights, at: engine.place(Attention(told)) })', undefined],
  ['a struct without one of its fields', 'Attention({ bias: 0, lengths: 0 })', /missing the following properties/],
  ['a launch that no kernel made', "engine.launch('fill_f32', 1, 1, [0, 4, 0])", /Expected 1 arguments, but got 4/],
  ['a constant that has changed', 'PANEL satisfies 16', /does not satisfy the expected type/],
];

const prelude = `
import type { Engine } from '${root}dist/engine/engine.js';
import { Attention, attention_weights_f32, dropout_f32, fill_f32, PANEL } from '${root}dist/engine/kernels.generated.js';
declare const engine: Engine;
declare const told: Parameters<typeof Attention>[0];
const scale = { tiles: 1, work: 1, y: 0, x: 0, a: 1 };
const weights = { tiles: 1, work: 1, scratch: 0, w: 0, stats: 0, q: 0, k: 0, scale: 1, cap: 0 };
`;

/** What the compiler says of each line, as an editor would. */
function complaints(lines: readonly string[]): string[] {
  const file = join(temporary, 'launches.ts');
  writeFileSync(file, prelude.trim().concat('\n', lines.map((line) => `${line};\n`).join('')));
  const first = prelude.trim().split('\n').length + 1;
  const options = '--noEmit --strict --noUncheckedIndexedAccess --skipLibCheck --target es2022 --module esnext --moduleResolution bundler';
  const args = [...options.split(' '), '--lib', 'ES2023,DOM', '--types', 'node', '--typeRoots', join(root, 'node_modules/@types')];
  let said = '';
  try {
    execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), ...args, file], { encoding: 'utf8', cwd: temporary });
  } catch (error) {
    said = (error as { stdout: string }).stdout;
  }
  const found = lines.map(() => '');
  let at = -1;
  for (const line of said.split('\n')) {
    const [, number] = /^\S*launches\.ts\((\d+),\d+\): error/.exec(line) ?? [];
    if (number !== undefined) at = Number(number) - first;
    if (at < 0 && line) throw new Error(`The compiler complains of more than the lines: ${line}`);
    if (at >= 0) found[at] += `${line}\n`;
  }
  return found;
}

describe('the compiler', () => {
  const said = complaints(programs.map(([, line]) => line));

  it.each(programs.map((program, i) => [...program, i] as const))('given %s', (_, __, complaint, i) => {
    if (complaint) expect(said[i]).toMatch(complaint);
    else expect(said[i]).toBe('');
  });
});

describe('a launch', () => {
  it('is the same in whatever order its arguments are named', () => {
    const launch = copy_rows({ tiles: 3, work: 9, y: 1, x: 2, bytes: 3, to: 4, from: 5 });
    expect(launch).toMatchObject({ tiles: 3, work: 9, first: 0, scratch: 0, args: [1, 2, 3, 4, 5] });
    expect(copy_rows({ from: 5, to: 4, bytes: 3, x: 2, y: 1, work: 9, tiles: 3 })).toEqual(launch);
  });

  it('has scratch of whole cache lines', () => {
    const sizes = { y: 0, x: 0, w: 0, bias: 0, residual: 0, M: 1, N: 1, K: 1, rows: 1, panels: 1, activation: 0 };
    expect(matmul_f32({ tiles: 1, work: 1, scratch: 65, ...sizes }).scratch).toBe(128);
  });

  it('numbers its kernel by the order of names', () => {
    const rest = { tiles: 1, work: 1, y: 0, a: 0, b: 0, n: 0, period: 1 };
    expect(add_f32(rest).kernel).toBe(3);
    const packing = { tiles: 1, work: 1, packed: 0, x: 0, H: 1, N: 1, K: 1, sb: 0, sh: 0, sn: 0, sk: 0, step: 32 };
    expect(pack_f32(packing).kernel).toBeGreaterThan(add_f32(rest).kernel);
  });
});

describe('a struct', () => {
  it('lies in memory field by field, and holds addresses above 2 GiB', async () => {
    const engine = await Engine.create(nodeRuntime, { threads: 1 });
    const sizes = { H: 4, G: 5, T: 6, S: 7, D: 8, Dv: 9, qb: 10, qh: 11, qt: 12, yb: 13, yh: 14, yt: 15, bb: 16, bh: 17, bt: 18 };
    const masks = { bias: 2 ** 32 - 64, lengths: 0, offsets: 0, slopes: 0, mask: 0 };
    const pages = { pages: 1, most: 2, bytes: 3 };
    const words = engine.scope(() => {
      const ptr = engine.place(Attention({ ...sizes, ...masks, ...pages, left: 19, right: 20 }));
      return [...new Uint32Array(engine.heap.wasm.buffer, ptr, 25)];
    });
    expect(words).toEqual([2 ** 32 - 64, 0, 0, 0, 0, ...Array.from({ length: 20 }, (_, i) => i + 1)]);
    await engine.dispose();
  });
});

describe('a binary', () => {
  /** heed's own, in which one kernel stands under the name of another. */
  function altered(name: string, other: string): WebAssembly.Module {
    const module = binaryen.readBinary(readFileSync(join(root, 'dist/wasm/simd.wasm')));
    module.setFeatures(binaryen.Features.All);
    const { value } = binaryen.getExportInfo(module.getExport(other));
    module.removeExport(name);
    module.addFunctionExport(value, name);
    const bytes = module.emitBinary();
    module.dispose();
    return new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>);
  }

  it('whose kernel has another arity is refused by the name of that kernel', async () => {
    const module = altered('adam_f32', 'sgd_f32');
    const failure = await failureOf(() => Engine.create(nodeRuntime, { threads: 1, deterministic: true, module }));
    expect(failure).toMatchObject({ code: 'UNSUPPORTED', culprit: 'module' });
    expect(failure.message).toContain('has adam_f32 of 12 parameters where this host calls one of 15');
  });
});

describe("what is read off the kernels' sources", () => {
  let count = 0;
  const described = (kernel: string, index = "export { k_f32 } from './k';\n") => {
    const folder = join(temporary, `assembly-${count++}`);
    mkdirSync(folder);
    writeFileSync(join(folder, 'index.ts'), index);
    writeFileSync(join(folder, 'k.ts'), kernel);
    return kernelsModule('1234567', folder);
  };
  const kernel = (parameters: string) => `export function k_f32(${parameters}): void {}\n`;

  it('are kernels, whole numbers, enums and structs', async () => {
    const constants =
      'export const ROWS: usize = 4;\nconst OWN: usize = 2;\nexport const EPS: f32 = 1e-5;\nexport const BYTES: usize = (ROWS << 2) + 1;\n';
    const rest = 'export enum Kind { one = 1, two, five = ROWS + 1 }\n@unmanaged export class Sizes { M: usize; N: usize; }\n';
    const text = await described(constants + rest + kernel('begin: usize, end: usize, scratch: usize, y: usize, a: f32, at: Sizes'));
    expect(text).toContain('export const BUILD = 0x1234567;');
    expect(text).toContain('export const arities = [6];');
    expect(text).toContain('export const ROWS = 4;\nexport const BYTES = 17;\nexport const Kind = {"one":1,"two":2,"five":5} as const;');
    expect(text).not.toMatch(/OWN|EPS/);
    expect(text).toContain("export const Sizes = (at: { M: number; N: number }): Struct<'Sizes'> => [at.M, at.N];");
    const fields = "scratch: number; y: number; a: number; at: Pointer<'Sizes'>";
    expect(text).toContain(`(at: Tiles & { ${fields} }): Launch => launchOf(0, at, [at.scratch, at.y, at.a, at.at], true);`);
  });

  it.each([
    [kernel('y: usize, n: usize'), /k_f32 must begin with its tiles/],
    [kernel('begin: usize, end: usize, n: i64'), /k_f32\.n is i64, which the host cannot give/],
    [kernel('begin: usize, end: usize, work: usize'), /k_f32\.work needs another name/],
    [kernel('begin: usize, end: usize, y: usize, scratch: usize'), /scratch right behind end/],
    [`export const N: usize = other();\n${kernel('begin: usize, end: usize')}`, /other\(\) is no whole number/],
    [`@unmanaged export class Sizes { a: f32; }\n${kernel('begin: usize, end: usize')}`, /Sizes\.a is f32/],
    ['', /k_f32 is exported by index\.ts and no function/],
  ])('are refused where the host could not know or give them: %s', async (source, message) => {
    await expect(described(source)).rejects.toThrow(message);
  });
});
