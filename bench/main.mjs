/**
 * Starts the bench: builds heed where it is stale, installs the bench's own packages on the first run that needs them, bundles the
 * TypeScript beside it into .cache/bundle, and runs that. heed itself stays outside the bundle: what is measured is dist, as it ships.
 */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { inPlace } from '../scripts/run.mjs';

const folder = import.meta.dirname;
const root = dirname(folder);
const args = process.argv.slice(2);

execFileSync(process.execPath, [join(root, 'scripts', 'build.mjs'), '--if-stale'], { stdio: 'inherit' });

const needsPackages =
  ['peers', 'minilm', 'train', 'decode', 'senses', 'served'].some((command) => args.includes(command)) ||
  args.some((arg) => arg.startsWith('--svg'));
if (needsPackages && !existsSync(join(folder, 'node_modules'))) {
  console.log("Installing the bench's own packages, once: npm ci --prefix bench");
  execFileSync('npm', ['ci', '--prefix', folder, '--no-audit', '--no-fund'], { stdio: 'inherit', shell: process.platform === 'win32' });
}

/** heed by its name, as a user imports it: this folder is a package of its own, so Node would not find it from here. @type {import('esbuild').Plugin} */
const heed = {
  name: 'heed',
  setup({ onResolve }) {
    const { resolve } = createRequire(join(root, 'package.json'));
    onResolve({ filter: /^heed(\/|$)/ }, ({ path }) => ({ path: pathToFileURL(resolve(path)).href, external: true }));
  },
};

const bundle = join(folder, '.cache', 'bundle');
rmSync(bundle, { recursive: true, force: true });
await build({
  entryPoints: ['index.ts', 'startup-child.ts', 'senses-child.ts', 'served-child.ts'].map((file) => join(folder, file)),
  outdir: bundle,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  packages: 'external',
  // The runners of the runtimes' suite, which `bench runtimes` uses, know where they are.
  plugins: [heed, inPlace],
  logLevel: 'warning',
});

const child = spawn(process.execPath, [join(bundle, 'index.mjs'), ...args], {
  stdio: 'inherit',
  env: { ...process.env, HEED_BENCH_ROOT: root },
});
child.on('exit', (code, signal) => {
  process.exitCode = signal ? 1 : (code ?? 1);
});
