/** Consumers of heed: projects in `projects`, each copied to a folder of its own, with the packed heed in its node_modules. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { EngineInfo } from 'heed';
import { modulesOf } from '../../scripts/runtimes.mjs';
import { install, link, type Packed, root } from './packed.js';

/** What every consumer computes: a vector of the same text, out of the same model. A page that runs it in two ways has two. */
export interface Answer {
  info: EngineInfo;
  dims: readonly number[];
  data: number[];
}

const projects = join(root, 'test/consumers/projects');

/** Packages that a project takes from what is installed for the tests. */
const provided: Readonly<Record<string, string>> = {
  vite: modulesOf('consumers'),
  webpack: modulesOf('consumers'),
  esbuild: join(root, 'node_modules'),
  typescript: join(root, 'node_modules'),
  '@types/node': join(root, 'node_modules'),
};

/** Makes a project, with heed and these packages in its node_modules, and returns its folder. */
export function make(name: string, packed: Packed, temporary: string, packages: readonly string[] = []): string {
  const folder = mkdtempSync(join(temporary, `${name}-`));
  cpSync(join(projects, name), folder, { recursive: true });
  if (existsSync(join(folder, 'index.html')) && !existsSync(join(folder, 'main.js')))
    cpSync(join(projects, 'main.js'), join(folder, 'main.js'));
  install(packed, folder);
  for (const each of packages) link(folder, each, provided[each]);
  return folder;
}

/** A user's environment: the test runner's own variables make tools behave as in a test. */
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(NODE_ENV|VITE|NODE_OPTIONS)/.test(name)));

/** Runs a command of Node's in a project; fails with all that it printed. Returns what it wrote to stdout. */
export async function run(folder: string, args: readonly string[], node = process.execPath): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(node, args, { cwd: folder, env, timeout: 60_000, maxBuffer: 2 ** 26 });
    return stdout;
  } catch (error) {
    const { message, stdout = '', stderr = '' } = error as Error & { stdout?: string; stderr?: string };
    throw new Error([message, stdout, stderr].join('\n'));
  }
}

/** Starts a server and waits for the address that it prints. */
export async function start(folder: string, args: readonly string[]): Promise<{ url: string; close(): Promise<void> }> {
  const child: ChildProcess = spawn(process.execPath, args, { cwd: folder, env: { ...env, NO_COLOR: '1' } });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const close = () => {
    child.kill();
    return ended;
  };
  let seen = '';
  const url = await new Promise<string>((resolve, reject) => {
    const listen = (text: Buffer) => {
      seen += text;
      const [address] = /http:\/\/[\w.:]+\//.exec(seen) ?? [];
      if (address) resolve(address);
    };
    child.stdout?.on('data', listen);
    child.stderr?.on('data', listen);
    child.once('error', reject);
    child.once('close', () => reject(new Error(`the server ended: ${seen}`)));
  });
  return { url, close };
}
