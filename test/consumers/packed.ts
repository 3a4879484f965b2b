/**
 * heed as its users get it: what `npm pack` makes, unpacked into a project's node_modules, beside heed's dependencies and nothing else.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository. */
export const root = fileURLToPath(new URL('../../', import.meta.url));
export const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

export interface Packed {
  tarball: string;
  /** Paths inside of the package. */
  files: string[];
}

/** Packs folders of the repository, as they are built, into another folder. */
export function packAll(folders: readonly string[], destination: string): Packed[] {
  const flags = ['--json', '--ignore-scripts', '--pack-destination', destination];
  const printed = execFileSync('npm', ['pack', ...flags, ...folders.map((path) => `./${path}`)], {
    ...{ cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
  });
  return JSON.parse(printed).map((packed: { filename: string; files: { path: string }[] }) => ({
    tarball: join(destination, packed.filename),
    files: packed.files.map(({ path }) => path),
  }));
}

/** Packs heed into a folder. */
export const pack = (destination: string): Packed => packAll(['.'], destination)[0] as Packed;

/** Unpacks into `project`/node_modules and returns the folder. */
export function install({ tarball }: Packed, project: string): string {
  const folder = join(project, 'node_modules', manifest.name);
  mkdirSync(folder, { recursive: true });
  execFileSync('tar', ['xzf', tarball, '--strip-components', '1', '-C', folder]);
  for (const name of Object.keys(manifest.dependencies)) link(project, name);
  return folder;
}

/** Gives a project a package out of another folder's node_modules; a link, since it brings its own dependencies that way. */
export function link(project: string, name: string, modules = join(root, 'node_modules')): void {
  const path = join(project, 'node_modules', name);
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(join(modules, name), path, 'dir');
}
