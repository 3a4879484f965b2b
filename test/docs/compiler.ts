/** Programs type-check as a user's do who has nothing but `strict`: against the package as its exports give it. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll } from 'vitest';
import { link } from '../consumers/packed.js';
import { root } from './pages.js';

const folder = mkdtempSync(join(tmpdir(), 'heed-'));
afterAll(() => rmSync(folder, { recursive: true }));

const compilerOptions = {
  ...{ strict: true, noEmit: true, skipLibCheck: true, types: ['node'] },
  ...{ target: 'ES2022', lib: ['ES2023', 'DOM', 'DOM.Iterable', 'DOM.AsyncIterable'], module: 'ESNext', moduleResolution: 'Bundler' },
};

/** What tsc says of programs, a line an error. Each lies in the folder that its page lies in, so that what it imports from the sources is found. */
export function errorsOf(programs: Readonly<Record<string, string>>): string {
  for (const [path, program] of Object.entries(programs)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), program);
  }
  const files = Object.keys(programs);
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  return spawnSync(process.execPath, [tsc, '-p', folder], { cwd: folder, encoding: 'utf8' }).stdout;
}

for (const name of ['@types/node', 'audio-decode', 'openai', 'ai', '@ai-sdk/provider', '@langchain/core', 'zod']) link(folder, name);
symlinkSync(root, join(folder, 'node_modules/heed'));
// Pages for those who work on heed import from src: the declarations of that are in dist.
symlinkSync(join(root, 'dist'), join(folder, 'src'));
