/** `npx heed` in an empty folder, for somebody who has a tarball, and for somebody who has npm's registry alone. */
import { execFile } from 'node:child_process';
import { copyFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { manifest, packAll } from './packed.js';
import { dependencies, openRegistry } from './registry.js';

const temporary = mkdtempSync(join(tmpdir(), 'heed-npx-'));
let heed: string;
let translator: string;
let others: string[];

beforeAll(() => {
  const packed = packAll(['.', 'models/translator-en-zh', ...dependencies()], temporary);
  [heed = '', translator = '', ...others] = packed.map(({ tarball }) => tarball);
}, 60_000);
afterAll(() => rmSync(temporary, { recursive: true }));

/** What a command printed in an empty folder, or in one with these tarballs, and how it ended; the registry has `served`, and npm has kept nothing. */
async function npx(args: readonly string[], { tarballs = [], served }: { tarballs?: readonly string[]; served: readonly string[] }) {
  const folder = mkdtempSync(join(temporary, 'empty-'));
  for (const path of tarballs) copyFileSync(path, join(folder, basename(path)));
  const registry = await openRegistry(served);
  // The test runner was begun by npm, which told it of this project.
  const own = Object.entries(process.env).filter(([name]) => !/^npm_|^NODE_OPTIONS$|^VITEST/i.test(name));
  const settings = {
    npm_config_registry: registry.url,
    npm_config_cache: join(folder, '../cache'),
    npm_config_userconfig: join(folder, 'no-npmrc'),
    npm_config_update_notifier: 'false',
  };
  const env = { ...Object.fromEntries(own), ...settings };
  try {
    const { stdout } = await promisify(execFile)('npx', ['--yes', ...args], { cwd: folder, env, timeout: 60_000 });
    return { code: 0, stdout, stderr: '', left: readdirSync(folder) };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, stdout, stderr, left: readdirSync(folder) };
  } finally {
    registry.close();
  }
}

it('runs from a tarball, and leaves nothing in the folder', async () => {
  const tarballs = [heed];
  const file = `./${basename(heed)}`;
  const version = await npx([file, '--version'], { tarballs, served: others });
  expect(version).toEqual({ code: 0, stdout: `${manifest.version}\n`, stderr: '', left: [basename(file)] });
  const help = await npx(['-p', file, 'heed', '--help'], { tarballs, served: others });
  expect(help.stdout).toMatch(/^Usage: heed .*\btranslate\b/s);
  // The translator is a package of its own: whoever lacks it is told how to get it.
  const alone = await npx([file, 'translate', 'Hello.'], { tarballs, served: others });
  expect(alone).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/^heed: .*npx -p heed -p heed-translator-en-zh heed translate.*\[NOT_FOUND\]\n$/),
  });
}, 120_000);

it('translates where both tarballs are', async () => {
  const tarballs = [heed, translator];
  const given = tarballs.flatMap((path) => ['-p', `./${basename(path)}`]);
  const { stdout } = await npx([...given, 'heed', 'translate', 'Hello.'], { tarballs, served: others });
  expect(stdout).toBe('你好。\n');
}, 60_000);

it('translates out of a registry that has both packages, by the command that the error names', async () => {
  const served = [heed, translator, ...others];
  const { stdout } = await npx(['-p', 'heed', '-p', 'heed-translator-en-zh', 'heed', 'translate', 'Hello.'], { served });
  expect(stdout).toBe('你好。\n');
}, 60_000);
