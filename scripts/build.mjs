/**
 * Builds dist: kernels from assembly/ with asc, modules from src/ with tsc, the command and the worker files with esbuild.
 *
 *   node scripts/build.mjs                  everything; kernels whose sources did not change are kept
 *   node scripts/build.mjs wasm [target…]   kernels only, always compiled; without a target all but `debug`
 *   node scripts/build.mjs js               all but the kernels
 *   node scripts/build.mjs --if-stale       everything, or nothing where dist is up to date
 *
 * Modules are built upon what kernels.mjs reads off the kernels' sources, with the hash (BUILD) that binaries carry too, so that the host can refuse those
 * that are not its own.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, join, posix } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build as esbuild, transform } from 'esbuild';

const root = dirname(import.meta.dirname);
const at = (/** @type {string[]} */ ...path) => join(root, ...path);
const stampFile = at('dist', '.built');
const kernelsFile = 'src/engine/kernels.generated.ts';

/** Binaries of the kernels that pages choose from. */
const kernelNames = ['simd', 'simd-threads', 'relaxed', 'relaxed-threads'];

/** Decoders of pictures, which lie beside the kernels. */
const codecs = {
  jpeg: '@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm',
  webp: '@jsquash/webp/codec/dec/webp_dec.wasm',
};

/**
 * The decoders' JavaScript without what is of no use here: heed hands the compiled file over, so that no bundler need look for it, and no global is written to.
 * @type {import('esbuild').Plugin}
 */
const codecGlue = {
  name: 'codec glue',
  setup: ({ onLoad }) =>
    onLoad({ filter: /@jsquash.*_dec\.js$/ }, async ({ path }) => ({
      contents: (await readFile(path, 'utf8'))
        .replace(/const isServiceWorker=.*?(?=var moduleOverrides)/s, '')
        .replace(/new URL\("\w+\.wasm",import\.meta\.url\)\.href/, '""')
        .replace(/import\.meta\.url/g, '""'),
      loader: 'js',
    })),
};

/**
 * The server's packages without comments, whose examples look like imports, and white space.
 * @type {import('esbuild').Plugin}
 */
const leanServer = {
  name: 'lean server',
  setup: ({ onLoad }) =>
    onLoad({ filter: /node_modules\/(hono|zod)\/.*\.js$/ }, async ({ path }) => ({
      contents: (await transform(await readFile(path, 'utf8'), { minify: true, legalComments: 'none', target: 'es2022' })).code,
      loader: 'js',
    })),
};

/** @returns {Promise<Record<string, { outFile: string }>>} */
const readTargets = async () => JSON.parse(await readFile(at('asconfig.json'), 'utf8')).targets;

/** Every target that ships: all but the one for debugging. */
const shipped = (/** @type {Record<string, unknown>} */ targets) => Object.keys(targets).filter((name) => name !== 'debug');

/** The files below a folder, sorted, relative to the root. @returns {Promise<string[]>} */
async function filesBelow(/** @type {string} */ folder) {
  if (!existsSync(at(folder))) return [];
  const entries = await readdir(at(folder), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .sort();
}

/** The first 28 bits of a SHA-256 over names and contents, as seven hexadecimal digits: positive however wasm and JavaScript read it. */
async function hashOf(/** @type {string[]} */ files, /** @type {string[]} */ ...more) {
  const hash = createHash('sha256');
  for (const file of files) hash.update(`${file}\0`).update(await readFile(at(file)));
  for (const text of more) hash.update(`\0${text}`);
  return hash.digest('hex').slice(0, 7);
}

/** Hashes of what kernels and modules are built from. A part of src is written from the kernels' sources first. */
async function hashes() {
  const { version } = JSON.parse(await readFile(at('node_modules/assemblyscript/package.json'), 'utf8'));
  const wasm = await hashOf([...(await filesBelow('assembly')), 'asconfig.json', 'scripts/kernels.mjs'], version);
  await describeKernels(wasm);
  const js = await hashOf(
    [...(await filesBelow('src')), 'tsconfig.json', 'tsconfig.build.json', 'package.json', 'scripts/build.mjs'],
    wasm,
  );
  return { wasm, js };
}

/** Writes down what the host must know of the kernels, unless that is there. */
async function describeKernels(/** @type {string} */ hash) {
  if (existsSync(at(kernelsFile)) && (await readFile(at(kernelsFile), 'utf8')).includes(`0x${hash};`)) return;
  // AssemblyScript takes most of a second to load.
  const { kernelsModule } = await import('./kernels.mjs');
  await generate(kernelsFile, await kernelsModule(hash));
}

/** What dist was built from: a hash per kernel target and one for the modules. @returns {Promise<Record<string, string>>} */
const readStamp = async () => (existsSync(stampFile) ? JSON.parse(await readFile(stampFile, 'utf8')) : {});

async function writeStamp(/** @type {Record<string, string>} */ news) {
  await mkdir(dirname(stampFile), { recursive: true });
  await writeFile(stampFile, JSON.stringify({ ...(await readStamp()), ...news }));
}

/** Runs a script of node's; fails with its exit code. */
function run(/** @type {string} */ script, /** @type {string[]} */ args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [at(script), ...args], { cwd: root, stdio: 'inherit' });
    child.on('error', reject);
    child.on('exit', (code) => (code === 0 ? resolve(undefined) : reject(new Error(`${script} ${args.join(' ')} failed (${code})`))));
  });
}

/** Compiles kernels; as many at once as there are cores. */
async function buildWasm(/** @type {string[]} */ names) {
  const targets = await readTargets();
  // asc builds the base options, and says nothing, when it does not know a target.
  const unknown = names.filter((name) => !(name in targets));
  if (unknown.length) throw new Error(`asconfig.json has no target ${unknown.join(', ')}; it has ${Object.keys(targets).join(', ')}`);
  if (!existsSync(at('assembly/index.ts'))) throw new Error('assembly/index.ts is missing');
  const { wasm: hash } = await hashes();
  const queue = [...names];
  const lane = async () => {
    for (let name = queue.shift(); name; name = queue.shift())
      await run('node_modules/assemblyscript/bin/asc.js', [
        ...['assembly/index.ts', '--config', 'asconfig.json', '--target', name],
        ...['--use', `HEED_BUILD=${Number.parseInt(hash, 16)}`],
      ]);
  };
  await Promise.all(Array.from({ length: Math.min(names.length, availableParallelism()) }, lane));
  for (const name of names) await weigh(name, at(targets[name]?.outFile ?? ''));
  await inlineWasm();
  await writeStamp(Object.fromEntries(names.map((name) => [name, hash])));
}

const buildModule = async () => `export const VERSION = '${JSON.parse(await readFile(at('package.json'), 'utf8')).version}';\n`;

async function weigh(/** @type {string} */ name, /** @type {string} */ file) {
  const bytes = await readFile(file);
  const limits = JSON.parse(await readFile(at('budget.json'), 'utf8')).files[`dist/wasm/${name}.wasm`];
  const [raw, gzip] = [bytes.length, gzipSync(bytes, { level: 9 }).length];
  console.log(`${name.padEnd(16)}${(raw / 1024).toFixed(1).padStart(6)} KiB, gzip ${(gzip / 1024).toFixed(1).padStart(5)} KiB`);
  if (limits && (raw > limits.raw || gzip > limits.gzip))
    throw new Error(`${name}.wasm has ${raw} bytes, gzip ${gzip}: budget.json allows ${limits.raw}, gzip ${limits.gzip}`);
}

/** dist is built, but tsc complained. */
export class TypeErrors extends Error {}

/** Modules and declarations, then the files that are generated or bundled. Files of an earlier build that this one did not write go. */
async function buildJs() {
  const began = Date.now() - 1000; // file systems round
  const { js } = await hashes();
  // tsc writes its output in spite of type errors, so that a dist with a wrong type in it can still be tried; the build fails all the same.
  const types = await run('node_modules/typescript/bin/tsc', ['-p', 'tsconfig.build.json']).catch(
    () => new TypeErrors('src has type errors'),
  );
  for (const file of await filesBelow('src'))
    if (file.endsWith('.d.ts')) {
      await mkdir(dirname(at(file.replace('src', 'dist'))), { recursive: true });
      await copyFile(at(file), at(file.replace('src', 'dist')));
    }
  await generate('dist/engine/build.js', await buildModule());
  await generate('dist/pictures/assets.js', await pictureAssets());
  for (const [name, file] of Object.entries(codecs)) {
    await mkdir(at('dist/wasm'), { recursive: true });
    await copyFile(at('node_modules', file), at(`dist/wasm/${name}.wasm`));
  }
  // One file each, so that a browser can load a worker as it is.
  for (const worker of ['node-worker', 'web-worker', 'microphone-worker'])
    await bundle(`dist/runtime/${worker}.js`, `dist/runtime/${worker}.js`);
  await bundle('dist/entry/web-host.js', 'dist/runtime/web-host.js');
  await bundlePackage();
  await gatherTypes();
  await bundlePage();
  await inlineWasm();
  for (const file of await filesBelow('dist')) {
    const kept = file.startsWith(join('dist', 'wasm')) || file === join('dist', '.built') || file.includes('inline-wasm.js');
    if (!kept && (await stat(at(file))).mtimeMs < began) await rm(at(file));
  }
  if (types instanceof TypeErrors) throw types;
  await writeStamp({ js });
}

async function generate(/** @type {string} */ file, /** @type {string} */ text) {
  await mkdir(dirname(at(file)), { recursive: true });
  await writeFile(at(file), text);
}

/** What the command alone needs; it stays outside. */
const commandsOwn = ['commander', 'cli-progress'];
/** What heed's models are made for, and their users have. */
const frameworks = ['@langchain/core/*'];

/**
 * What ships: each entry in one file, and what several share in chunks, so that `.`, `./nn` and `./ops` have one Tensor. Node takes
 * about a millisecond to find and link a module; there are 70 of them. The two packages that heed builds upon are inside, so that a page can
 * load these files as they are, without a bundler or an import map. Everything lies one folder down, since modules find their files
 * by `new URL('../wasm/…', import.meta.url)`.
 */
async function bundlePackage() {
  const entries = ['node', 'web', 'workerd', 'core-node', 'core-web', 'core-workerd', 'inline', 'server', 'page-worker', 'models'];
  const { metafile } = await esbuild({
    absWorkingDir: root,
    metafile: true,
    entryPoints: {
      ...Object.fromEntries(entries.map((name) => [`bundle/${name}`, `dist/entry/${name}.js`])),
      'bundle/nn': 'dist/nn/index.js',
      'bundle/ops': 'dist/ops/index.js',
      'bundle/train': 'dist/train/index.js',
      'bundle/pictures': 'dist/pictures/index.js',
      'bundle/structured': 'dist/generation/grammar/index.js',
      'bundle/ai': 'dist/ai/index.js',
      'bundle/langchain': 'dist/langchain/index.js',
      'bin/heed': 'dist/cli/main.js',
    },
    outdir: 'dist',
    chunkNames: 'bundle/chunk-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'neutral',
    target: 'es2022',
    external: ['node:*', '../wasm/*', './inline-wasm.js', ...commandsOwn, ...frameworks],
    plugins: [codecGlue, leanServer],
  });
  // Chunks define, and do nothing: an import of nothing is of no use, and bundlers that believe package.json's sideEffects complain of it.
  for (const file of Object.keys(metafile.outputs)) {
    const text = await readFile(at(file), 'utf8');
    const named = text.replace(/^import "\.\/chunk-\w+\.js";\n/gm, '');
    if (named !== text) await writeFile(at(file), named);
  }
  // It served to sort modules into chunks, and nobody loads it.
  await rm(at('dist/bundle/models.js'));
  await chmod(at('dist/bin/heed.js'), 0o755);
  await generate('dist/page/files.json', JSON.stringify(filesBehind('dist/bundle/page-worker.js', metafile.outputs)));
}

/** The declarations that ship: those that the entries' types lead to. All others are of modules that bundles have inside. */
async function gatherTypes() {
  const entries = Object.values(JSON.parse(await readFile(at('package.json'), 'utf8')).exports);
  const found = new Set(entries.flatMap(({ types }) => (types ? [posix.relative('dist/types', posix.normalize(types))] : [])));
  for (const file of found) {
    const text = await readFile(at('dist', file), 'utf8');
    const named = text.matchAll(/(?:\bfrom |\bimport\()["'](\.[^"']+)\.js["']/g);
    for (const [, path] of named) found.add(posix.join(posix.dirname(file), `${path}.d.ts`));
    await generate(join('dist/types', file), text);
  }
}

/** What a page needs that runs models by itself: its worker with all that it imports, the kernels, and what threads run. Paths in dist. */
function filesBehind(/** @type {string} */ worker, /** @type {import('esbuild').Metafile['outputs']} */ outputs) {
  const found = new Set([worker]);
  for (const file of found) for (const { path, external } of outputs[file]?.imports ?? []) if (!external) found.add(path);
  const wasm = [...kernelNames, ...Object.keys(codecs)].map((name) => `wasm/${name}.wasm`);
  return [...[...found].map((path) => path.slice('dist/'.length)), ...wasm, 'runtime/web-worker.js'].sort();
}

/** The page of the server, without what it loads models by: one script, one style. */
async function bundlePage() {
  await esbuild({
    absWorkingDir: root,
    entryPoints: ['src/page/main.ts', 'src/page/main.css'],
    outdir: 'dist/page',
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    legalComments: 'none',
    banner: { js: await d3License() },
  });
  await copyFile(at('src/page/index.html'), at('dist/page/index.html'));
}

/** Makes one file of a module and what it imports, where there is such a module. */
async function bundle(/** @type {string} */ from, /** @type {string} */ to) {
  if (!existsSync(at(from))) return;
  const [entryPoints, outfile] = [[at(from)], at(to)];
  await esbuild({
    entryPoints,
    outfile,
    allowOverwrite: true,
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    target: 'es2022',
    external: ['node:*'],
    plugins: [codecGlue],
    // Nobody imports a worker, so that nothing is lost with comments. Names stay, for stacks.
    minifyWhitespace: true,
    minifySyntax: true,
  });
}

/** Licence of d3's modules, which must go with each page that has a copy of them. */
const d3License = async () =>
  `/*! With modules of d3, https://d3js.org\n${await readFile(at('node_modules/d3-scale/LICENSE'), 'utf8')}*/\n`;

/** The script and the style of the pages that heed/pictures writes, and their hashes, which the pages' policy names. */
async function pictureAssets() {
  const files = { script: 'src/pictures/page/main.ts', style: 'src/pictures/page/page.css' };
  const d3 = await d3License();
  const entries = Object.entries(files).map(async ([name, entry]) => {
    const license = name === 'script' ? d3 : '';
    const { outputFiles } = await esbuild({
      entryPoints: [at(entry)],
      bundle: true,
      minify: true,
      format: 'iife',
      platform: 'browser',
      target: 'es2022',
      legalComments: 'none',
      write: false,
    });
    const text = `${license}${outputFiles[0]?.text ?? ''}`.trim();
    return [name, { text, sha256: createHash('sha256').update(text).digest('base64') }];
  });
  return `export const assets = ${JSON.stringify(Object.fromEntries(await Promise.all(entries)))};\n`;
}

/** The binaries as base64 for `heed/inline`, which must work where neither a file nor a URL can be had. */
async function inlineWasm() {
  const files = Object.entries(await readTargets()).filter(([name]) => name !== 'debug');
  if (!files.every(([, { outFile }]) => existsSync(at(outFile)))) return;
  const lines = files.map(async ([name, { outFile }]) => `  '${name}': '${(await readFile(at(outFile))).toString('base64')}',\n`);
  await generate('dist/bundle/inline-wasm.js', `export const wasm = {\n${(await Promise.all(lines)).join('')}};\n`);
}

/** Builds what is out of date; `all` to build the modules in any case. */
export async function build({ all = false } = {}) {
  const [{ wasm, js }, targets, stamp] = [await hashes(), await readTargets(), await readStamp()];
  const stale = shipped(targets).filter((name) => stamp[name] !== wasm || !existsSync(at(targets[name]?.outFile ?? '')));
  // Modules first: they are quick, and of use to who waits for the kernels.
  const failure = all || stamp.js !== js ? await buildJs().catch((/** @type {Error} */ error) => error) : undefined;
  if (stale.length) await buildWasm(stale);
  if (failure) throw failure;
}

async function main(/** @type {string[]} */ [what, ...names]) {
  if (what === undefined) return build({ all: true });
  if (what === '--if-stale') return build();
  if (what === 'js') return buildJs();
  if (what !== 'wasm') throw new Error('usage: build.mjs [wasm [target…] | js | --if-stale]');
  await buildWasm(names.length ? names : shipped(await readTargets()));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href)
  main(process.argv.slice(2)).catch((error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
