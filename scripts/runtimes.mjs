/**
 * The other Nodes that the tests run in. `node scripts/runtimes.mjs` installs them into `.runtimes`, from the packages in
 * which npm carries Node's binaries; no install script is involved. HEED_NODE22 and HEED_NODE24 name binaries to use instead.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Major version -> the version that is tested. @type {Readonly<Record<string, string>>} */
export const nodes = { 22: '22.23.2', 24: '24.21.0' };

const { platform, arch } = process;
const family = platform === 'darwin' && arch === 'arm64' ? 'node-bin' : 'node';
const packageName = [family, platform === 'win32' ? 'win' : platform, arch].join('-');
const folder = (/** @type {string} */ major) => join(import.meta.dirname, '..', '.runtimes', `node${major}`);

/** The binary of a major version, or undefined where there is none. */
export function nodeBinary(/** @type {string} */ major) {
  const named = process.env[`HEED_NODE${major}`];
  const installed = join(folder(major), 'node_modules', packageName, 'bin', platform === 'win32' ? 'node.exe' : 'node');
  return [named, installed].find((path) => path && existsSync(path));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href)
  for (const [major, version] of Object.entries(nodes)) {
    const flags = ['--no-save', '--no-package-lock', '--ignore-scripts', '--no-audit', '--no-fund'];
    const npm = platform === 'win32' ? 'npm.cmd' : 'npm';
    if (!nodeBinary(major))
      execFileSync(npm, ['install', '--prefix', folder(major), ...flags, `${packageName}@${version}`], { stdio: 'inherit' });
    console.log(`node ${major}: ${nodeBinary(major)}`);
  }
