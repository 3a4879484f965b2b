/**
 * What `npm pack` would publish: everything that a user needs, and no more. The packed files are unpacked elsewhere,
 * beside heed's dependencies and nothing else, and work there.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { base, ways } from '../scripts/readme.mjs';
import { install, manifest, pack, root } from './consumers/packed.js';

const temporary = mkdtempSync(join(tmpdir(), 'heed-'));

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
    for (const path of ['README.md', 'LICENSE', 'NOTICE', 'CHANGELOG.md', 'SECURITY.md', 'package.json']) expect(files).toContain(path);
  });

  it('have nothing else: modules, declarations, kernels, six texts, and what README.md links to', () => {
    const fits = [
      /^(README\.md|LICENSE|NOTICE|CHANGELOG\.md|SECURITY\.md|package\.json)$/,
      /^docs\/([\w-]+\/)?[\w-]+\.(md|svg)$/,
      /^examples\/[\w-]+\.ts$/,
      /^(examples|models)\/([\w-]+\/)?README\.md$/,
      /^dist\/(bin|bundle)\/[\w-]+\.js$/,
      /^dist\/page\/(index\.html|main\.js|main\.css|files\.json)$/,
      /^dist\/wasm\/(simd|relaxed)(-threads)?\.wasm$/,
      /^dist\/wasm\/(jpeg|webp)\.wasm$/,
      /^dist\/runtime\/(node-worker|web-worker|microphone-worker|web-host)\.js$/,
      /^dist\/types\/[\w/-]+(\.generated)?\.d\.ts$/,
    ];
    expect(files.filter((path) => !fits.some((pattern) => pattern.test(path)))).toEqual([]);
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
    // The server's router takes a URL apart, and this is where it begins.
    const known = ['node:', 'http://localhost', ...Object.keys(manifest.dependencies), ...Object.keys(manifest.peerDependencies)];
    // The page's script imports nothing; the URLs in it are seen from the page.
    for (const path of files.filter((name) => /\.(js|d\.ts)$/.test(name) && name !== 'dist/page/main.js')) {
      const source = readFileSync(join(installed, path), 'utf8');
      // What else may stand behind the word "from" begins like no module's name.
      const specifiers = [...source.matchAll(/(?:\bfrom\s*|\bimport\s*\(?\s*|new URL\(\s*)["']([\w@.][^"'\s`]*)["']/g)].map(
        // A query is for bundlers.
        ([, name]) => (name as string).replace(/\?.*$/, ''),
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

it('a bundle has nothing of the methods of Tensor unless it names it', async () => {
  const bundled = async (more: readonly string[]) => {
    const names = ['bert', 'pipeline', 'registerArchitecture', ...more].join(', ');
    const contents = `import { ${names} } from 'heed/core'; registerArchitecture(bert); globalThis.all = [${names}];`;
    const { outputFiles } = await build({
      ...{ stdin: { contents, resolveDir: temporary }, absWorkingDir: temporary, preserveSymlinks: true, logLevel: 'silent' },
      ...{ bundle: true, minify: true, format: 'esm', platform: 'browser', target: 'es2022', write: false },
    });
    return outputFiles[0]?.text;
  };
  expect(await bundled(['Tensor'])).toContain('Write into tensor.data');
  expect(await bundled([])).not.toContain('Write into tensor.data');
});

it('says by name what decodes a file of sound, where audio-decode is not installed', () => {
  const { bytes } = JSON.parse(readFileSync(join(root, 'test/fixtures/audio/expected.json'), 'utf8')).files.mp3;
  const script = `import { read_audio } from 'heed';
    await read_audio(Buffer.from('${bytes}', 'base64'), 16000).catch(({ code, message, cure }) => console.log(JSON.stringify({ code, message, cure })));`;
  const printed = execFileSync(process.execPath, ['--input-type=module', '-e', script], { cwd: temporary, encoding: 'utf8' });
  expect(JSON.parse(printed)).toEqual({
    code: 'UNSUPPORTED',
    message: expect.stringContaining('the sound is a file of MP3, and nothing here decodes it'),
    cure: expect.stringContaining('npm install audio-decode'),
  });
});
