/** An unpacked extension (Manifest V3) whose page runs a program: heed's files and the fixtures lie in it, as an author would pack them. */
import { createHash } from 'node:crypto';
import { cp, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleProgram, root } from './runner.js';
import type { WebInput } from './web.js';

const manifest = {
  ...{ manifest_version: 3, name: 'heed', version: '1.0', host_permissions: ['http://127.0.0.1/*'] },
  // WebAssembly needs the one, threads the others.
  content_security_policy: { extension_pages: "default-src 'self' http://127.0.0.1:*; script-src 'self' 'wasm-unsafe-eval'" },
  cross_origin_embedder_policy: { value: 'require-corp' },
  cross_origin_opener_policy: { value: 'same-origin' },
};

/** An unpacked extension's name is a digest of its folder's path, in letters from a to p. */
const idOf = (folder: string) =>
  createHash('sha256')
    .update(folder)
    .digest('hex')
    .slice(0, 32)
    .replace(/./g, (digit) => String.fromCharCode(97 + Number.parseInt(digit, 16)));

export async function packExtension(program: string, input: WebInput) {
  const temporary = await realpath(await mkdtemp(join(tmpdir(), 'heed-extension-')));
  const folder = join(temporary, 'extension');
  const script = await bundleProgram('web-main.ts', program, input, { platform: 'browser' });
  for (const part of ['wasm', 'runtime']) await cp(join(root, 'dist', part), join(folder, part), { recursive: true });
  await cp(join(root, 'test/fixtures'), join(folder, 'fixtures'), { recursive: true });
  await cp(script, join(folder, 'suite/main.js'));
  await writeFile(join(folder, 'manifest.json'), JSON.stringify(manifest));
  await writeFile(join(folder, 'page.html'), '<!doctype html><script type="module" src="/suite/main.js"></script>');
  return {
    folder,
    profile: join(temporary, 'profile'),
    url: `chrome-extension://${idOf(folder)}/page.html`,
    remove: () => rm(temporary, { recursive: true, force: true }),
  };
}
