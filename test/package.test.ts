/**
 * What `npm pack` would publish: everything that a user needs, no more, and small. The packed files are unpacked elsewhere,
 * beside heed's dependencies and nothing else, and work there.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { base, ways } from '../scripts/readme.mjs';
import { install, manifest, pack, root } from './consumers/packed.js';

const temporary = mkdtempSync(join(tmpdir(), 'heed-'));
const gzip = (bytes: Uint8Array) => gzipSync(bytes, { level: 9 }).length;

let files: string[] = [];
let installed = '';
beforeAll(() => {
  const packed = pack(temporary);
  files = packed.files;
  installed = install(packed, temporary);
}, 60_000);
afterAll(() => rmSync(temporary, { recursive: true }));

/** Every path that a value of package.json's `exports` or `bin` names. */
const targets = (value: unknown): string[] =>
  typeof value === 'string' ? [value] : Object.values((value ?? {}) as object).flatMap((inner) => targets(inner));

describe('the packed files', () => {
  it('have what package.json points to', () => {
    const named = [...targets(manifest.exports), ...targets(manifest.bin)].map((path) => posix.normalize(path));
    const wasm = ['simd', 'simd-threads', 'relaxed', 'relaxed-threads'].map((name) => `dist/wasm/${name}.wasm`);
    const all = named.flatMap((path) => (path.includes('*') ? wasm : [path]));
    expect(all.filter((path) => !files.includes(path))).toEqual([]);
    for (const path of ['README.md', 'LICENSE', 'NOTICE', 'CHANGELOG.md', 'package.json']) expect(files).toContain(path);
  });

  it('have nothing else: modules, declarations, kernels, five texts, and what README.md links to', () => {
    const fits = [
      /^(README\.md|LICENSE|NOTICE|CHANGELOG\.md|package\.json)$/,
      /^docs\/([\w-]+\/)?[\w-]+\.(md|svg)$/,
      /^examples\/[\w-]+\.ts$/,
      /^(examples|models)\/([\w-]+\/)?README\.md$/,
      /^dist\/(bin|bundle)\/[\w-]+\.js$/,
      /^dist\/wasm\/(simd|relaxed)(-threads)?\.wasm$/,
      /^dist\/runtime\/(node-worker|web-worker|web-host)\.js$/,
      /^dist\/[\w/-]+(\.generated)?\.d\.ts$/,
    ];
    expect(files.filter((path) => !fits.some((pattern) => pattern.test(path)))).toEqual([]);
    expect(files.filter((path) => path.startsWith('dist/cli/'))).toEqual([]);
  });

  it('have what README.md links to, on npm by their addresses, in a clone by their paths', () => {
    const text = readFileSync(join(root, 'README.md'), 'utf8');
    const { absolute, relative } = ways as Record<'absolute' | 'relative', (text: string) => string>;
    const linked = (page: string) => [...page.matchAll(/\]\(([^)#]+)/g)].map(([, to]) => to as string);
    expect(linked(absolute(text)).filter((to) => !to.startsWith('https://'))).toEqual([]);
    const ours = linked(absolute(text)).filter((to) => to.startsWith(base));
    expect(ours.length).toBeGreaterThan(20);
    expect(ours.map((to) => to.slice(base.length)).filter((path) => !files.includes(path))).toEqual([]);
    expect(text).not.toContain(base);
    expect(relative(absolute(text))).toBe(text);
    expect(absolute(absolute(text))).toBe(absolute(text));
  });

  it('import only each other, dependencies, and what Node has', () => {
    const missing: string[] = [];
    const known = ['node:', ...Object.keys(manifest.dependencies)];
    for (const path of files.filter((name) => /\.(js|d\.ts)$/.test(name))) {
      const source = readFileSync(join(installed, path), 'utf8');
      const specifiers = [...source.matchAll(/(?:\bfrom\s*|\bimport\s*\(?\s*|new URL\(\s*)["']([^"'\s`]+)["']/g)].map(
        ([, name]) => name as string,
      );
      for (const specifier of specifiers) {
        const target = posix.join(posix.dirname(path), path.endsWith('.d.ts') ? specifier.replace(/\.js$/, '.d.ts') : specifier);
        const found = specifier.startsWith('.') ? files.includes(target) : known.some((name) => specifier.startsWith(name));
        if (!found) missing.push(`${path}: ${specifier}`);
      }
    }
    expect(missing).toEqual([]);
  });

  it('keep no module apart that has state: `.`, ./nn and ./ops have one Tensor', () => {
    const program = `
      import { createEngine, HeedError, Tensor as Results } from 'heed';
      import * as core from 'heed/core';
      import { Linear } from 'heed/nn';
      import { add, Tensor, tensor } from 'heed/ops';
      const engine = await createEngine({ threads: 2, inlineBelow: 0 });
      const x = tensor(engine, [[1, 2], [3, 4]]);
      const linear = new Linear(engine, 2, 1);
      linear.loadStateDict({ weight: { data: [1, 10], dims: [1, 2] }, bias: { data: [0.5], dims: [1] } });
      const y = linear.forward(add(x, x));
      let code;
      try { add(x, tensor(engine, [1, 2, 3])); } catch (error) { code = error instanceof HeedError && error.code; }
      console.log(JSON.stringify([y.toHost().tolist(), y instanceof Tensor, core.Tensor === Results && y.toHost() instanceof Results, engine.info.threads, code]));`;
    const out = execFileSync(process.execPath, ['--input-type=module', '-e', program], { cwd: temporary, encoding: 'utf8' });
    expect(JSON.parse(out)).toEqual([[[42.5], [86.5]], true, true, 2, 'SHAPE']);
  });

  it('work as a command, and without files beside them where the kernels are inside', () => {
    const model = join(root, 'test/fixtures/bert-tiny');
    const run = (args: string[]) =>
      execFileSync(process.execPath, args, { cwd: temporary, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    const embed = ['embed', 'a cat', '--json', '--deterministic', '--model', model];
    const printed = run([join(installed, manifest.bin.heed), ...embed]);
    const program = `
      import { createEngine } from 'heed/inline';
      const { info } = await createEngine({ threads: 4 });
      console.log(JSON.stringify([info.threads, info.reason]));`;
    expect(JSON.parse(printed)).toHaveLength(32);
    expect(JSON.parse(run(['--input-type=module', '-e', program]))).toEqual([1, expect.stringMatching(/no worker file/)]);
  });
});

describe('sizes', () => {
  it('of each binary: at most 96 KiB, gzipped 32 KiB', () => {
    for (const path of files.filter((name) => name.endsWith('.wasm'))) {
      const bytes = readFileSync(join(installed, path));
      expect(bytes.length, path).toBeLessThanOrEqual(96 * 1024);
      expect(gzip(bytes), path).toBeLessThanOrEqual(32 * 1024);
    }
  });

  it("of the Tensor's methods: at most 4.3 kB gzipped, and none in a bundle that does not name it", async () => {
    const bundled = async (more: string) => {
      const names = ['bert', 'pipeline', 'registerArchitecture', ...(more ? [more] : [])].join(', ');
      const { outputFiles } = await build({
        stdin: {
          contents: `import { ${names} } from 'heed/core'; registerArchitecture(bert); globalThis.all = [${names}];`,
          resolveDir: temporary,
        },
        ...{ absWorkingDir: temporary, preserveSymlinks: true, logLevel: 'silent', write: false },
        ...{ bundle: true, minify: true, format: 'esm', platform: 'browser', target: 'es2022' },
      });
      return outputFiles[0]?.contents as Uint8Array;
    };
    const [without, withTensor] = [await bundled(''), await bundled('Tensor')];
    expect(new TextDecoder().decode(withTensor)).toContain('Write into tensor.data');
    expect(new TextDecoder().decode(without)).not.toContain('Write into tensor.data');
    expect(gzip(withTensor) - gzip(without)).toBeLessThanOrEqual(4300);
  });

  it('of the JavaScript for feature extraction with one architecture: at most 103 kB gzipped, 94 kB without the tokenizer library', async () => {
    const program = (core: string) =>
      `import { bert, pipeline, registerArchitecture } from '${core}'; registerArchitecture(bert); globalThis.pipeline = pipeline;`;
    const size = async (contents: string, resolveDir: string, external: string[]) => {
      const { outputFiles } = await build({
        ...{ stdin: { contents, resolveDir }, external, absWorkingDir: temporary, preserveSymlinks: true, logLevel: 'silent' },
        ...{ bundle: true, minify: true, format: 'esm', platform: 'browser', target: 'es2022', write: false },
      });
      return gzip(outputFiles[0]?.contents as Uint8Array);
    };
    expect(await size(program('heed/core'), temporary, [])).toBeLessThanOrEqual(103_000);
    expect(await size(program('./dist/entry/core-web.js'), root, ['@huggingface/tokenizers'])).toBeLessThanOrEqual(94_000);
  });

  it('of all that is installed, dependencies aside: at most 3.9 MB, and 0.4 MB of pages', () => {
    const isPage = (path: string) => /^(docs|examples|models)\//.test(path);
    const bytes = (some: string[]) => some.reduce((sum, path) => sum + readFileSync(join(installed, path)).length, 0);
    expect(bytes(files.filter((path) => !isPage(path)))).toBeLessThanOrEqual(3_900_000);
    expect(bytes(files.filter(isPage))).toBeLessThanOrEqual(400_000);
    expect(existsSync(join(installed, 'node_modules'))).toBe(false);
  });
});
